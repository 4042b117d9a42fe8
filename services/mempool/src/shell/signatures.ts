import { type Ed25519Item, Ed25519Pool, nativeVerifier } from "@soma/crypto/native";
import { addressOf, verifyAuthenticator } from "@soma/protocol";
import type { Inspected } from "../core/index.ts";

/** Checks accounts' signatures: single Ed25519 keys in batches on threads, the rarer schemes here. */
export class Signatures {
  readonly #pool: Ed25519Pool;

  private constructor(pool: Ed25519Pool) {
    this.#pool = pool;
  }

  static async open(workers: number): Promise<Signatures> {
    return new Signatures(await Ed25519Pool.open({ workers }));
  }

  /** Whether each is signed by its sender's account, in their order. */
  async areValid(transactions: readonly Inspected[]): Promise<boolean[]> {
    const valid: boolean[] = [];
    const items: Ed25519Item[] = [];
    const places: number[] = [];
    for (const [place, transaction] of transactions.entries()) {
      const item = singleKeyItem(transaction);
      if (item === undefined) valid[place] = verifyAuthenticator(transaction.signed, nativeVerifier).ok;
      else {
        items.push(item);
        places.push(place);
      }
    }
    if (items.length > 0) {
      const decisions = await this.#pool.verifyBatch(items);
      for (const [i, place] of places.entries()) valid[place] = decisions[i] === 1;
    }
    return valid;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/**
 * What a thread is to check for the common policy, once its structure (address, number of signatures) was found right;
 * undefined for what `verifyAuthenticator` judges.
 */
function singleKeyItem({ signed, signingBytes }: Inspected): Ed25519Item | undefined {
  const { transaction, authenticator } = signed;
  const { policy, signers, signatures } = authenticator;
  const [signature] = signatures;
  if (policy.Ed25519 === undefined || signers !== 1 || signatures.length !== 1 || signature === undefined) {
    return undefined;
  }
  if (addressOf(policy) !== transaction.sender) return undefined;
  return { publicKey: policy.Ed25519.publicKey, message: signingBytes, signature };
}
