import { GetHead } from "@soma/contracts";
import { type Bus, steadyNow } from "@soma/runtime";
import type { TransactionPool } from "../core/index.ts";
import type { Accounts } from "./accounts.ts";
import type { Admissions } from "./admission.ts";
import type { MempoolMetrics } from "./metrics.ts";
import type { MempoolStore } from "./store.ts";

/** Transactions that are looked at in one round. */
const LOOKED_AT = 1_000;

/**
 * Holds the transactions that have waited longest against the ledger. News of commits and epochs may be lost, and a
 * sender may have spent what its fee needs: such transactions would be taken for blocks for ever, and executed in none.
 * What was written and is not known here, since nobody heard that the write succeeded, is loaded.
 */
export async function reconcile(
  {
    bus,
    pool,
    store,
    accounts,
    admissions,
    metrics,
  }: {
    readonly bus: Bus;
    readonly pool: TransactionPool;
    readonly store: MempoolStore;
    readonly accounts: Accounts;
    readonly admissions: Admissions;
    readonly metrics: MempoolMetrics;
  },
  waitedMs: number,
  partitions: () => readonly number[],
): Promise<void> {
  const head = await bus.request(GetHead, {}, {});
  if (head.ok && head.value.epoch > pool.epoch) {
    const expired = pool.openEpoch(head.value.epoch, head.value.baseFee);
    await store.depart(expired.map((digest) => ({ digest, reason: "expired", by: null })));
    metrics.departed.add(expired.length, { reason: "expired" });
  }
  const unknown = await store.unknownIn(partitions());
  await admissions.restore(unknown.filter(({ partition }) => partitions().includes(partition)));
  const waiting = pool.waitingSince(BigInt(steadyNow() - waitedMs), LOOKED_AT);
  const facts = await accounts.facts(waiting.map(({ sender }) => sender));
  if (facts.ok) {
    const spent: { sender: string; sequence: bigint }[] = [];
    const unpayable: string[] = [];
    for (const { sender, digest, sequence, tip } of waiting) {
      const { balance, sequence: next } = facts.value.get(sender) ?? { balance: 0n, sequence: 0n };
      if (sequence < next) spent.push({ sender, sequence: next - 1n });
      else if (balance < pool.baseFee + tip) unpayable.push(digest);
    }
    const used = pool.executed(spent);
    pool.discard(unpayable);
    await store.depart([
      ...used.map((digest) => ({ digest, reason: "sequence-used", by: null }) as const),
      ...unpayable.map((digest) => ({ digest, reason: "unpayable", by: null }) as const),
    ]);
    metrics.departed.add(used.length, { reason: "sequence-used" });
    metrics.departed.add(unpayable.length, { reason: "unpayable" });
  }
  await store.compact(performance.now() - waitedMs, (digest) => pool.bytesOf(digest));
}
