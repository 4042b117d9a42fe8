import { type SignatureItem, verifyItem } from "@soma/crypto";
import { nativeVerifier, SignaturePool } from "@soma/crypto/native";

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
  readonly #pool: SignaturePool;
  #waiting: { item: SignatureItem; settle: (valid: boolean) => void }[] = [];

  private constructor(pool: SignaturePool) {
    this.#pool = pool;
  }

  static async open(threads: number): Promise<PooledVerifier> {
    return new PooledVerifier(await SignaturePool.open({ workers: threads }));
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (this.#waiting.length === 0) setImmediate(() => this.#decide());
    const item = { scheme: "Ed25519", message, signers: [{ publicKey, signature }] } as const;
    return new Promise((settle) => this.#waiting.push({ item, settle }));
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
        for (const { item, settle } of batch) settle(verifyItem(item, nativeVerifier));
      },
    );
  }
}
