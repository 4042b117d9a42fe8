import type { SignatureVerifier } from "@soma/crypto";
import { Ed25519Pool, nativeVerifier } from "@soma/crypto/native";
import { type SignedTransaction, verifyAuthenticator } from "@soma/protocol";

interface Item {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

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
  async areValid(transactions: readonly SignedTransaction[]): Promise<boolean[]> {
    const valid: boolean[] = [];
    const items: Item[] = [];
    const places: number[] = [];
    for (const [place, signed] of transactions.entries()) {
      const item = singleKeyItem(signed);
      if (item === undefined) valid[place] = verifyAuthenticator(signed, nativeVerifier).ok;
      else if (item === "refused") valid[place] = false;
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
 * What is left to check of a single key's signature once its structure (address, number of signatures) was decided, as
 * for every scheme; undefined for the other schemes.
 */
function singleKeyItem(signed: SignedTransaction): Item | "refused" | undefined {
  const { policy, signatures } = signed.authenticator;
  if (policy.$kind !== "Ed25519" || signatures[0]?.length !== 64) return undefined;
  let item: Item | undefined;
  const collector: SignatureVerifier = {
    ...nativeVerifier,
    ed25519: (publicKey, message, signature) => {
      item = { publicKey, message, signature };
      return true;
    },
  };
  return verifyAuthenticator(signed, collector).ok && item !== undefined ? item : "refused";
}
