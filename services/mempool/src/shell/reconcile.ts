import { GetHead, partitionOfSender } from "@soma/contracts";
import { decodeSignedTransaction } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
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
  admittedBefore: Date,
  partitions: () => readonly number[],
): Promise<void> {
  const head = await bus.request(GetHead, {}, {});
  if (head.ok && head.value.epoch > pool.epoch) {
    const expired = pool.openEpoch(head.value.epoch, head.value.baseFee);
    await store.depart(expired.map((digest) => ({ digest, reason: "expired", by: null })));
    metrics.departed.add(expired.length, { reason: "expired" });
  }
  const spent: { sender: string; sequence: bigint }[] = [];
  const unpayable: string[] = [];
  for (const { sender, digest, bytes } of await store.waitingSince(admittedBefore, partitions(), LOOKED_AT)) {
    const decoded = decodeSignedTransaction(bytes);
    const facts = await accounts.facts(sender);
    if (!facts.ok || !decoded.ok) continue;
    const { sequence, tip } = decoded.value.transaction;
    const { balance, sequence: next } = facts.value ?? { balance: 0n, sequence: 0n };
    if (sequence < next) spent.push({ sender, sequence: next - 1n });
    else if (balance < pool.baseFee + tip) unpayable.push(digest);
    else if (!pool.has(digest) && partitions().includes(partitionOfSender(sender)))
      await admissions.restore([{ sender, digest, bytes }]);
  }
  pool.executed(spent);
  pool.discard(unpayable);
  await store.executed(spent);
  await store.depart(unpayable.map((digest) => ({ digest, reason: "unpayable", by: null })));
  metrics.departed.add(spent.length, { reason: "sequence-used" });
  metrics.departed.add(unpayable.length, { reason: "unpayable" });
}
