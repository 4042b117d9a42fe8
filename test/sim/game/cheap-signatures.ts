import { bytesEqual, concatBytes, toHex, utf8 } from "@soma/base";
import { type SignatureVerifier, sha256 } from "@soma/crypto";

/**
 * Signatures that cost one hash, for games of many jobs: a public key is the hash of its secret, a signature the
 * hash of secret and message, and the verifier of one game knows the secrets. Nobody in the game forges; what is
 * tested here is who signs what. The ledger's own tests use the real schemes.
 */
export class CheapSignatures implements SignatureVerifier {
  readonly #secrets = new Map<string, Uint8Array>();

  /** A key pair from a label that is unique in the game. `width` is that of the scheme's public key. */
  key(label: string, width: 32 | 48): CheapKey {
    const secret = sha256(utf8(`secret ${label}`));
    const publicKey = stretch(sha256(utf8("public"), secret), width);
    this.#secrets.set(toHex(publicKey), secret);
    return { publicKey, sign: (message) => mac(secret, message, width === 32 ? 64 : 96) };
  }

  ed25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const secret = this.#secrets.get(toHex(publicKey));
    return secret !== undefined && bytesEqual(mac(secret, message, 64), signature);
  }

  bls(publicKeys: readonly Uint8Array[], message: Uint8Array, aggregate: Uint8Array): boolean {
    const parts: Uint8Array[] = [];
    for (const key of publicKeys) {
      const secret = this.#secrets.get(toHex(key));
      if (secret === undefined) return false;
      parts.push(mac(secret, message, 96));
    }
    return parts.length > 0 && bytesEqual(aggregateCheap(parts), aggregate);
  }

  blsPossession(): boolean {
    return true;
  }

  vrf(): null {
    return null;
  }
}

export interface CheapKey {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function aggregateCheap(signatures: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(96);
  for (const signature of signatures) for (let i = 0; i < 96; i++) out[i]! ^= signature[i]!;
  return out;
}

function mac(secret: Uint8Array, message: Uint8Array, width: number): Uint8Array {
  return stretch(sha256(secret, message), width);
}

function stretch(seed: Uint8Array, width: number): Uint8Array {
  return concatBytes(seed, sha256(seed), sha256(seed, seed)).slice(0, width);
}
