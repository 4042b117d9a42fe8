import { Ed25519Pool, nativeVerifier } from "@soma/crypto/native";
import { type SignedTransaction, transactionSigningBytes, verifyAuthenticator } from "@soma/protocol";

interface Waiting {
  readonly item: { publicKey: Uint8Array; message: Uint8Array; signature: Uint8Array };
  readonly resolve: (valid: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Checks accounts' signatures: single Ed25519 keys in batches on threads, the rarer schemes here. */
export class Signatures {
  readonly #pool: Ed25519Pool;
  readonly #chainId: string;
  #waiting: Waiting[] = [];
  #busy = false;

  private constructor(pool: Ed25519Pool, chainId: string) {
    this.#pool = pool;
    this.#chainId = chainId;
  }

  static async open(chainId: string, workers: number): Promise<Signatures> {
    return new Signatures(await Ed25519Pool.open({ workers }), chainId);
  }

  async isValid(signed: SignedTransaction): Promise<boolean> {
    const { policy, signatures } = signed.authenticator;
    const [signature] = signatures;
    // Structure (address, number of signatures) is cheap and decides alike for every scheme.
    if (policy.$kind !== "Ed25519" || signature?.length !== 64) {
      return verifyAuthenticator(signed, nativeVerifier).ok;
    }
    const structural = verifyAuthenticator(signed, { ...nativeVerifier, ed25519: () => true });
    if (!structural.ok) return false;
    const message = transactionSigningBytes(this.#chainId, signed.transaction);
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        item: { publicKey: policy.Ed25519.publicKey, message, signature },
        resolve,
        reject,
      });
      void this.#run();
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 512);
      try {
        const valid = await this.#pool.verifyBatch(batch.map(({ item }) => item));
        for (const [i, { resolve }] of batch.entries()) resolve(valid[i] === 1);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#busy = false;
  }
}
