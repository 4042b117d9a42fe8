import { toHex } from "@soma/base";
import { sha256Native } from "@soma/crypto/native";
import type { Hex32 } from "@soma/protocol";

export function blobHash(bytes: Uint8Array): Hex32 {
  return toHex(sha256Native(bytes));
}

/** Blobs by their hash: what a gateway keeps. Durable. */
export class BlobShelf {
  readonly #blobs = new Map<Hex32, Uint8Array>();

  put(bytes: Uint8Array): Hex32 {
    const hash = blobHash(bytes);
    this.#blobs.set(hash, bytes);
    return hash;
  }

  get(hash: Hex32): Uint8Array | undefined {
    return this.#blobs.get(hash);
  }
}
