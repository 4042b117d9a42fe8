import { GetHead } from "@soma/contracts";
import { decodeSignedTransaction } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { TransactionPool } from "../core/index.ts";
import type { Accounts } from "./accounts.ts";
import type { MempoolMetrics } from "./metrics.ts";
import type { MempoolStore } from "./store.ts";

/** Transactions that are looked at in one round. */
const LOOKED_AT = 1_000;

/**
 * Holds the transactions that have waited longest against the ledger. News of commits and epochs may be lost, and a sender may
 * have spent what its fee needs: such transactions would be taken for blocks for ever, and executed in none.
 */
export async function reconcile(
  {
    bus,
    pool,
    store,
    accounts,
    metrics,
  }: {
    readonly bus: Bus;
    readonly pool: TransactionPool;
    readonly store: MempoolStore;
    readonly accounts: Accounts;
    readonly metrics: MempoolMetrics;
  },
  admittedBefore: Date,
): Promise<void> {
  const head = await bus.request(GetHead, {}, {});
  if (head.ok && head.value.epoch > pool.epoch) {
    pool.openEpoch(head.value.epoch, head.value.baseFee);
    await store.expired(head.value.epoch);
  }
  const spent: { sender: string; sequence: bigint }[] = [];
  const unpayable: string[] = [];
  for (const { sender, digest, bytes } of await store.waitingSince(admittedBefore, LOOKED_AT)) {
    const decoded = decodeSignedTransaction(bytes);
    const facts = await accounts.facts(sender);
    if (!facts.ok || !decoded.ok) continue;
    const { sequence, tip } = decoded.value.transaction;
    const { balance, sequence: next } = facts.value ?? { balance: 0n, sequence: 0n };
    if (sequence < next) spent.push({ sender, sequence: next - 1n });
    else if (balance < pool.baseFee + tip) unpayable.push(digest);
  }
  pool.executed(spent);
  pool.discard(unpayable);
  await store.executed(spent);
  await store.remove(unpayable);
  metrics.dropped.add(spent.length, { reason: "executed" });
  metrics.dropped.add(unpayable.length, { reason: "unpayable" });
}
