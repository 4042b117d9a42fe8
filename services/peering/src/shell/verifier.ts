import { type Ed25519Item, Ed25519Pool, nativeVerifier } from "@soma/crypto/native";

/** Checks signatures, on the main thread or on others. */
export interface EnvelopeVerifier {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
  close(): Promise<void>;
}

/** @param threads 0: on the main thread */
export async function openVerifier(threads: number): Promise<EnvelopeVerifier> {
  if (threads === 0) return { verify: nativeVerifier.ed25519, close: async () => {} };
  return PooledVerifier.open(threads);
}

/** Gathers what arrives in one turn of the event loop into one batch, since crossing to a thread has its price. */
class PooledVerifier implements EnvelopeVerifier {
  readonly #pool: Ed25519Pool;
  #waiting: { item: Ed25519Item; settle: (valid: boolean) => void }[] = [];

  private constructor(pool: Ed25519Pool) {
    this.#pool = pool;
  }

  static async open(threads: number): Promise<PooledVerifier> {
    return new PooledVerifier(await Ed25519Pool.open({ workers: threads }));
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (this.#waiting.length === 0) setImmediate(() => this.#decide());
    return new Promise((settle) => this.#waiting.push({ item: { publicKey, message, signature }, settle }));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  #decide(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#pool.verifyBatch(batch.map(({ item }) => item)).then(
      (decisions) => {
        for (const [i, { settle }] of batch.entries()) settle(decisions[i] === 1);
      },
      // Full, closed or broken: decided here, which cannot fail.
      () => {
        for (const { item, settle } of batch)
          settle(nativeVerifier.ed25519(item.publicKey, item.message, item.signature));
      },
    );
  }
}
