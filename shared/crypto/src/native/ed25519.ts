import { randomBytes } from "node:crypto";
import sodium from "sodium-native";

/**
 * Ed25519 by libsodium: the one verifier that decides in consensus, because libraries disagree on
 * adversarial keys and signatures (`selfTestEd25519` pins its decisions). Never throws.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}

/** An Ed25519 signing key (RFC 8032). The secret leaves it only as signatures. */
export class Ed25519Key {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #secret: Uint8Array;

  private constructor(publicKey: Uint8Array, secret: Uint8Array) {
    this.publicKey = publicKey;
    this.#secret = secret;
  }

  /** @throws RangeError unless `seed` has 32 bytes. */
  static fromSeed(seed: Uint8Array): Ed25519Key {
    if (seed.length !== 32) throw new RangeError("an Ed25519 seed has 32 bytes");
    const publicKey = new Uint8Array(32);
    const secret = new Uint8Array(64);
    sodium.crypto_sign_seed_keypair(publicKey, secret, seed);
    return new Ed25519Key(publicKey, secret);
  }

  /** A key from the operating system's randomness. */
  static generate(): Ed25519Key {
    return Ed25519Key.fromSeed(randomBytes(32));
  }

  /** 64 bytes, deterministic. */
  sign(message: Uint8Array): Uint8Array {
    const signature = new Uint8Array(64);
    sodium.crypto_sign_detached(signature, message, this.#secret);
    return signature;
  }
}
