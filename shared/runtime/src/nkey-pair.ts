import { createPair, fromSeed, type KeyPair, Prefix } from "@nats-io/nkeys";
import { Codec } from "@nats-io/nkeys/lib/codec.js";
import { Ed25519Key } from "@soma/crypto/native";

const text = new TextDecoder();

/**
 * An nkey pair that signs by libsodium. The library's own pair computes in JavaScript, and anew at each use: some
 * milliseconds a signature, of which a network of twelve operators makes thousands while it starts.
 */
export class NkeyPair implements KeyPair {
  /** Keeps the seed, and does what happens seldom. */
  readonly #pair: KeyPair;
  readonly #key: Ed25519Key;
  readonly #publicKey: string;

  private constructor(pair: KeyPair) {
    const { prefix, buf } = Codec.decodeSeed(pair.getSeed());
    this.#pair = pair;
    this.#key = Ed25519Key.fromSeed(buf);
    this.#publicKey = text.decode(Codec.encode(prefix, this.#key.publicKey));
  }

  /** @param seed as it is written, `S...` @throws NKeysError for what is none */
  static fromSeed(seed: Uint8Array): NkeyPair {
    return new NkeyPair(fromSeed(seed));
  }

  /** A new pair. */
  static create(kind: "operator" | "account" | "user"): NkeyPair {
    const prefixes = { operator: Prefix.Operator, account: Prefix.Account, user: Prefix.User };
    return new NkeyPair(createPair(prefixes[kind]));
  }

  getPublicKey(): string {
    return this.#publicKey;
  }

  getSeed(): Uint8Array {
    return this.#pair.getSeed();
  }

  getPrivateKey(): Uint8Array {
    const { buf } = Codec.decodeSeed(this.#pair.getSeed());
    return Codec.encode(Prefix.Private, Buffer.concat([buf, this.#key.publicKey]));
  }

  sign(input: Uint8Array): Uint8Array {
    return this.#key.sign(input);
  }

  verify(input: Uint8Array, signature: Uint8Array): boolean {
    return this.#pair.verify(input, signature);
  }

  clear(): void {
    this.#pair.clear();
  }

  seal(input: Uint8Array, recipient: string, nonce?: Uint8Array): Uint8Array {
    return this.#pair.seal(input, recipient, nonce);
  }

  open(message: Uint8Array, sender: string): Uint8Array | null {
    return this.#pair.open(message, sender);
  }
}
