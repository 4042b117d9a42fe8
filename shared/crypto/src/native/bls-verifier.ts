import { fastAggregateVerify, PublicKey, Signature } from "@chainsafe/blst";

/** Decoding and the subgroup check cost about 60 us a key, and committees repeat their keys. */
class ValidKeys {
  readonly #keys = new Map<string, PublicKey>();

  /** The key, or null unless it is 48 bytes of a point of the right subgroup other than infinity. */
  get(bytes: Uint8Array): PublicKey | null {
    const id = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    if (bytes.length !== 48) return null;
    try {
      const key = PublicKey.fromBytes(bytes, true);
      if (this.#keys.size >= 16_384) this.#keys.clear();
      this.#keys.set(id, key);
      return key;
    } catch {
      return null;
    }
  }
}

export const validKeys = new ValidKeys();

/** FastAggregateVerify: see `SignatureVerifier.bls`. Never throws. */
export function verifyBls(
  publicKeys: readonly Uint8Array[],
  message: Uint8Array,
  aggregate: Uint8Array,
): boolean {
  if (publicKeys.length === 0 || aggregate.length !== 96) return false;
  const keys: PublicKey[] = [];
  for (const bytes of publicKeys) {
    const key = validKeys.get(bytes);
    if (key === null) return false;
    keys.push(key);
  }
  try {
    return fastAggregateVerify(message, keys, Signature.fromBytes(aggregate, true));
  } catch {
    return false;
  }
}
