import { randomBytes } from "node:crypto";
import { aggregateSerializedSignatures, SecretKey, Signature } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { validKeys } from "./bls-verifier.ts";

// The two domain separation tags of draft-irtf-cfrg-bls-signature section 4.2.3: blst has the first built
// in, and takes no other, so possession proofs, which are made once a registration, go through noble.
const POSSESSION_DST = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const { longSignatures: scheme } = bls12_381;

/** Proofs that hold: admission and execution ask for the same one, and simulated networks start often. */
const provedPossessions = new Set<string>();

/** PopVerify: see `SignatureVerifier.blsPossession`. About 25 ms the first time. Never throws. */
export function verifyBlsPossession(publicKey: Uint8Array, proof: Uint8Array): boolean {
  if (proof.length !== 96 || validKeys.get(publicKey) === null) return false;
  const id = Buffer.concat([publicKey, proof]).toString("latin1");
  if (provedPossessions.has(id)) return true;
  try {
    Signature.fromBytes(proof, true);
    if (!scheme.verify(proof, scheme.hash(publicKey, POSSESSION_DST), publicKey)) return false;
  } catch {
    return false;
  }
  if (provedPossessions.size >= 16_384) provedPossessions.clear();
  provedPossessions.add(id);
  return true;
}

/**
 * The sum of BLS signatures, 96 bytes. Each is checked to be a point of the curve, not to be of the group or a valid
 * signature: `verifyBls` checks the group, of the sum, and single ones are looked at when a sum does not verify.
 * @throws Error when there is none, or one is malformed.
 */
export function aggregateBls(signatures: readonly Uint8Array[]): Uint8Array {
  if (signatures.length === 0) throw new RangeError("no signatures to aggregate");
  return aggregateSerializedSignatures([...signatures], false).toBytes();
}

/** A BLS12-381 signing key of the proof-of-possession suite: public keys in G1, signatures in G2. */
export class BlsKey {
  /** 48 bytes. */
  readonly publicKey: Uint8Array;
  readonly #secret: SecretKey;

  private constructor(secret: SecretKey) {
    this.#secret = secret;
    this.publicKey = secret.toPublicKey().toBytes();
  }

  /** KeyGen of the draft's section 2.3 over `seed`. @throws RangeError for fewer than 32 bytes. */
  static fromSeed(seed: Uint8Array): BlsKey {
    if (seed.length < 32) throw new RangeError("a BLS seed has at least 32 bytes");
    return new BlsKey(SecretKey.fromKeygen(seed));
  }

  /** A key from the operating system's randomness. */
  static generate(): BlsKey {
    return BlsKey.fromSeed(randomBytes(32));
  }

  /** 96 bytes, deterministic. */
  sign(message: Uint8Array): Uint8Array {
    return this.#secret.sign(message).toBytes();
  }

  /** PopProve: the signature of the public key's bytes under the proof tag, 96 bytes; about 20 ms. */
  possessionProof(): Uint8Array {
    const signed = scheme.sign(scheme.hash(this.publicKey, POSSESSION_DST), this.#secret.toBytes());
    return scheme.Signature.toBytes(signed);
  }
}
