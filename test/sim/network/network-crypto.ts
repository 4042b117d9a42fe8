import { bytesEqual, concatBytes, utf8 } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import { sha256Native } from "@soma/crypto/native";
import { simVerifier } from "../consensus/sim-crypto.ts";
import { aggregateCheap } from "../game/cheap-signatures.ts";

/**
 * BLS of the whole network's simulation, at the price of a hash: a run makes tens of thousands of signatures. As with
 * the keyed hashes of `sim-crypto.ts`, a public key is its own secret, so anybody could forge; the simulated
 * adversaries forge only what a real one could, namely bytes that do not verify. It is linear like the real
 * scheme: an aggregate is the sum (exclusive or) of the signatures, and verifies for exactly the keys that signed.
 * The schemes have vectors of their own; what is signed, by whom, and when it is checked is real here.
 */
function expand(tag: string, length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const seed = sha256Native(concatBytes(utf8(tag), ...parts));
  const blocks = [seed];
  for (let size = 32; size < length; size += 32) blocks.push(sha256Native(concatBytes(seed, blocks.at(-1)!)));
  return concatBytes(...blocks).subarray(0, length);
}

/** A public key of 48 bytes from a label that is unique in the run. */
export function blsKey(label: string): Uint8Array {
  return expand("network bls key", 48, utf8(label));
}

export function signBls(key: Uint8Array, message: Uint8Array): Uint8Array {
  return expand("network bls", 96, key, message);
}

/** What a registrant shows to prove that it holds its key. */
export function possession(key: Uint8Array): Uint8Array {
  return signBls(key, key);
}

export { aggregateCheap as aggregate } from "../game/cheap-signatures.ts";

export const networkVerifier: SignatureVerifier = {
  ...simVerifier,
  bls: (keys, message, signature) =>
    keys.length > 0 && bytesEqual(aggregateCheap(keys.map((key) => signBls(key, message))), signature),
  blsPossession: (key, proof) => bytesEqual(possession(key), proof),
};
