import { maxBig } from "@soma/base";
import { BLOCK_LIMITS } from "@soma/protocol";

/** Bounds of one replica's pool; local policy, not protocol. */
export interface PoolLimits {
  readonly transactions: number;
  readonly bytes: number;
  readonly senderTransactions: number;
  readonly senderBytes: number;
  /** How far ahead of the account's next sequence number a transaction may be. */
  readonly sequenceWindow: bigint;
  /** How long what comes next for a block may have waited, while more than `queueTransactions` wait, in milliseconds. */
  readonly queueMs: bigint;
  readonly queueTransactions: number;
  /** After this long without a commit a taken transaction may be taken again, in milliseconds. */
  readonly leaseMs: bigint;
}

export const DEFAULT_LIMITS: PoolLimits = {
  transactions: 20_000,
  bytes: 64 * 1024 * 1024,
  senderTransactions: 128,
  senderBytes: 2 * 1024 * 1024,
  sequenceWindow: 128n,
  queueMs: 1_000n,
  queueTransactions: 2 * BLOCK_LIMITS.transactions,
  leaseMs: 5_000n,
};

/** What of the pool is in use. */
export interface Fill {
  readonly transactions: number;
  readonly bytes: number;
}

/**
 * LEDGER-1: the least tip now, in base units: `ceil(baseFee * max(0, 2 * used - limit) / limit)`, of transactions or of
 * bytes, whichever asks more. So none up to half full, and from there in a straight line to the base fee at a full
 * pool. Integers throughout.
 */
export function minimumTip(limits: PoolLimits, fill: Fill, baseFee: bigint): bigint {
  const byTransactions = rising(BigInt(fill.transactions), BigInt(limits.transactions), baseFee);
  const byBytes = rising(BigInt(fill.bytes), BigInt(limits.bytes), baseFee);
  return maxBig(byTransactions, byBytes);
}

function rising(used: bigint, limit: bigint, baseFee: bigint): bigint {
  const above = 2n * (used < limit ? used : limit) - limit;
  return above <= 0n ? 0n : (baseFee * above + limit - 1n) / limit;
}

/** The tip that takes the place of one that waits with the same sequence number: a tenth more, and at least 1. */
export function replacementTip(standing: bigint): bigint {
  const tenth = standing / 10n;
  return standing + (tenth > 1n ? tenth : 1n);
}

/** What each of `senders` may hold while none loses anything to another: an equal part, rounded down. */
export function fairShare(limit: number, senders: number): number {
  return Math.floor(limit / Math.max(1, senders));
}
