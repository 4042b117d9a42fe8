import type { Sliced } from "@soma/base";
import type { SignatureItem } from "@soma/crypto";
import { SignaturePool } from "@soma/crypto/native";
import { requiredSignatures } from "@soma/protocol";
import type { Turns } from "@soma/runtime";
import type { Inspected } from "../core/index.ts";

/** Checks accounts' signatures in batches on threads. */
export class Signatures {
  readonly #pool: SignaturePool;

  private constructor(pool: SignaturePool) {
    this.#pool = pool;
  }

  /** What may wait is bounded by the messages that are in hand. */
  static async open(workers: number): Promise<Signatures> {
    return new Signatures(await SignaturePool.open({ workers, maxPending: Number.MAX_SAFE_INTEGER }));
  }

  /** Whether each is signed by its sender's account, in their order. */
  async areValid(transactions: readonly Inspected[], turns: Turns): Promise<boolean[]> {
    const valid = transactions.map(() => false);
    const { items, places } = await turns.run(required(transactions));
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

/** The signatures on which it depends, each with the place of its transaction. */
function* required(
  transactions: readonly Inspected[],
): Sliced<{ readonly items: SignatureItem[]; readonly places: number[] }> {
  const items: SignatureItem[] = [];
  const places: number[] = [];
  for (const [place, { signed, signingBytes }] of transactions.entries()) {
    const signatures = requiredSignatures(signed, signingBytes);
    if (signatures.ok) {
      items.push(signatures.value);
      places.push(place);
    }
    yield;
  }
  return { items, places };
}
