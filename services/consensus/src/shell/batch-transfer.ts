import { toHex } from "@soma/base";
import { sha256Native } from "@soma/crypto/native";
import type { Digest, ValidatorId } from "@soma/protocol";
import { type CommitResponsePart, MAX_RESPONSE_BYTES, PART_BYTES } from "./peer-wire.ts";

/** Cuts the bytes of a commit response into parts that fit envelopes; none if it is larger than a peer takes. */
export function cutResponse(after: bigint, bytes: Uint8Array): CommitResponsePart[] {
  if (bytes.length > MAX_RESPONSE_BYTES) return [];
  const response = toHex(sha256Native(bytes));
  const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  return Array.from({ length: parts }, (_, part) => ({
    after,
    response,
    part,
    parts,
    bytes: bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
  }));
}

/** Puts the parts of one commit response together: of the one that was asked for, so that nobody else takes memory. */
export class ResponseAssembly {
  #asked: { from: ValidatorId; after: bigint } | undefined;
  #response: Digest | undefined;
  #parts: (Uint8Array | undefined)[] = [];
  #missing = 0;

  /** From now on parts of this answer alone are kept. Asked again, what came already stays. */
  expect(from: ValidatorId, after: bigint): void {
    if (this.#asked?.from === from && this.#asked.after === after) return;
    this.#asked = { from, after };
    this.#forget();
  }

  /** The whole response with its last part, else undefined. */
  take(
    from: ValidatorId,
    { after, response, part, parts, bytes }: CommitResponsePart,
  ): Uint8Array | undefined {
    if (this.#asked?.from !== from || this.#asked.after !== after) return undefined;
    if (parts === 0 || parts > MAX_RESPONSE_BYTES / PART_BYTES || part >= parts) return undefined;
    if (bytes.length > PART_BYTES) return undefined;
    // The peer's storage went on since: its parts of before do not fit the new ones.
    if (response !== this.#response || parts !== this.#parts.length) {
      this.#response = response;
      this.#parts = new Array<undefined>(parts).fill(undefined);
      this.#missing = parts;
    }
    if (this.#parts[part] !== undefined) return undefined;
    this.#parts[part] = bytes;
    this.#missing -= 1;
    if (this.#missing > 0) return undefined;
    const whole = new Uint8Array(Buffer.concat(this.#parts as Uint8Array[]));
    this.#forget();
    return whole;
  }

  #forget(): void {
    this.#response = undefined;
    this.#parts = [];
    this.#missing = 0;
  }
}
