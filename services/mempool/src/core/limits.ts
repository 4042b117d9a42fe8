/** Bounds of one validator's pool; local policy, not protocol. */
export interface PoolLimits {
  readonly transactions: number;
  readonly bytes: number;
  readonly senderTransactions: number;
  readonly senderBytes: number;
  /** How far ahead of the account's next sequence number a transaction may be. */
  readonly sequenceWindow: bigint;
  /** After this long without a commit a taken transaction may be taken again, in milliseconds. */
  readonly leaseMs: bigint;
}

export const DEFAULT_LIMITS: PoolLimits = {
  transactions: 20_000,
  bytes: 64 * 1024 * 1024,
  senderTransactions: 128,
  senderBytes: 2 * 1024 * 1024,
  sequenceWindow: 128n,
  leaseMs: 5_000n,
};

/**
 * LEDGER-1: the least tip now, in base units. None up to half full; from there it rises to the base fee at a full
 * pool. Fill is the larger of both shares.
 */
export function minimumTip(
  limits: PoolLimits,
  fill: { transactions: number; bytes: number },
  baseFee: bigint,
): bigint {
  const permille = Math.max(
    Math.floor((fill.transactions * 1000) / limits.transactions),
    Math.floor((fill.bytes * 1000) / limits.bytes),
  );
  return permille <= 500 ? 0n : (baseFee * BigInt(permille - 500)) / 500n;
}
