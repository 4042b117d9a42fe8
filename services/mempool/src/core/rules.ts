import { err, maxBig, ok, type Result } from "@soma/base";
import type { Address } from "@soma/protocol";
import { planEviction, type Victim } from "./eviction.ts";
import type { Inspected } from "./inspect.ts";
import { type Fill, minimumTip, type PoolLimits, replacementTip } from "./limits.ts";
import { BEHIND_GAP, type Sender, tipAtRate, type Waiting } from "./waiting.ts";

/** A refusal for the tip says which would have passed. */
export type TipResult<T> = Result<T> & { readonly minimumTip?: bigint };

/** The pool as a newcomer finds it. */
export interface Situation {
  readonly limits: PoolLimits;
  readonly baseFee: bigint;
  readonly fill: Fill;
  readonly senders: ReadonlyMap<Address, Sender>;
}

/** Who wants in. */
interface Arrival {
  readonly sender: Sender;
  readonly transaction: Inspected;
  /** What waits with its sequence number. */
  readonly standing: Waiting | undefined;
}

/** What one sender may have waiting. Refusal: MEMPOOL_QUOTA. */
export function checkQuota(
  { senderTransactions, senderBytes }: PoolLimits,
  sender: Sender,
  transaction: Inspected,
  standing: Waiting | undefined,
): Result<true> {
  const count = sender.waiting.size + (standing === undefined ? 1 : 0);
  const bytes = sender.bytes + transaction.bytes.length - (standing?.bytes.length ?? 0);
  if (count > senderTransactions || bytes > senderBytes) {
    return err(
      "MEMPOOL_QUOTA",
      `${sender.waiting.size} of this sender wait, ${sender.bytes} bytes; at most ${senderTransactions}, ` +
        `${senderBytes} bytes: send more when they have executed`,
    );
  }
  return ok(true);
}

/**
 * Whether the tip is enough for the fill, for what it replaces, and for what has to give way: those come back. Refusals:
 * MEMPOOL_TIP_LOW, MEMPOOL_SEQUENCE_TAKEN, MEMPOOL_FULL.
 */
export function checkTip(situation: Situation, arrival: Arrival, at: bigint): TipResult<readonly Victim[]> {
  const { limits, baseFee, fill } = situation;
  const { sender, transaction, standing } = arrival;
  const { sequence, tip, bytes } = transaction;
  const size = bytes.length;
  const floor = minimumTip(limits, fill, baseFee);
  const replacing = standing === undefined ? 0n : replacementTip(standing.tip);
  const room = planRoom(situation, arrival, at);
  // A tip of its own is no help to one that has to wait for a cheap one, or to whom nobody has to give way.
  const roomTip = room === undefined ? undefined : tipAtRate(room.price, size);
  if (
    room === undefined ||
    roomTip === undefined ||
    (room.victims.length > 0 && sender.standingOf(sequence, roomTip, size) < room.price)
  ) {
    return err(
      "MEMPOOL_FULL",
      `${fill.transactions} transactions, ${fill.bytes} bytes wait: try again later`,
    );
  }
  const least = maxBig(floor, maxBig(replacing, roomTip));
  if (tip < floor) return tooLow("MEMPOOL_TIP_LOW", "for the pool's fill,", least);
  if (tip < replacing) return tooLow("MEMPOOL_SEQUENCE_TAKEN", "to replace the one that waits,", least);
  if (tip < roomTip) return tooLow("MEMPOOL_FULL", "to pass what waits and pays less a byte,", least);
  return ok(room.victims);
}

function planRoom(
  { limits, fill, senders }: Situation,
  { sender, transaction, standing }: Arrival,
  at: bigint,
) {
  const more = {
    transactions: standing === undefined ? 1 : 0,
    bytes: transaction.bytes.length - (standing?.bytes.length ?? 0),
  };
  // A pool may be beyond its bounds by what it took over: a newcomer costs it no more than its own size even then.
  const { transactions, bytes } = limits;
  const lacking = {
    transactions: Math.max(
      0,
      Math.min(more.transactions, fill.transactions + more.transactions - transactions),
    ),
    bytes: Math.max(0, Math.min(more.bytes, fill.bytes + more.bytes - bytes)),
  };
  if (lacking.transactions === 0 && lacking.bytes === 0) return { victims: [], price: BEHIND_GAP };
  const held = { transactions: sender.waiting.size + more.transactions, bytes: sender.bytes + more.bytes };
  return planEviction(senders, limits, { sender: transaction.sender, lacking, held }, at);
}

export function tooLow(code: string, reason: string, minimum: bigint) {
  return { ...err(code, `${reason} pay a tip of at least ${minimum}`), minimumTip: minimum };
}
