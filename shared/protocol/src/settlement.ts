import { toHex } from "@soma/base";
import { bcs, bytes32, encode, u16, u32, u64, u128 } from "@soma/codec";
import { taggedHash } from "@soma/crypto";
import type { Digest } from "./ids.ts";

const OperatorCodec = bcs.struct("SettledOperator", {
  operator: bytes32,
  /** Stake that counted in the epoch. */
  stake: u64,
  commissionBps: u16,
  /** False while banned, and under a quorum of slash votes (ECON-6): nothing is earned. */
  earns: bcs.bool(),
});

export const SettlementInputCodec = bcs.struct("SettlementInput", {
  epoch: u64,
  /** ECON-1: not yet minted, and the fraction of it that an epoch mints, over 2^128. */
  unminted: u64,
  emissionFraction: u128,
  /** Everything that was burned in the epoch: emitted anew by ECON-3. */
  burned: u64,
  /** The part of it that was base fees: bounds inclusion rewards (ADR 0004). */
  feesBurned: u64,
  shares: bcs.struct("EmissionShares", { validatorsBps: u16, inclusionBps: u16, embeddingBps: u16 }),
  /** The epoch's committee, ascending by id. */
  validators: bcs.vector(OperatorCodec),
  /** Paid transactions by the author of the first block that carried them, ascending by author. */
  inclusion: bcs.vector(bcs.struct("Inclusion", { author: bytes32, transactions: u64, earns: bcs.bool() })),
  /** Winners of proven jobs, ascending: bounded by those who can win, not by how many jobs there were (ADR 0023). */
  winners: bcs.vector(
    bcs.struct("Winner", {
      winner: bytes32,
      commissionBps: u16,
      /** Jobs of which the equal part is no more than the job's own bound. */
      equalJobs: u64,
      /** The others, and the sum of their bounds. */
      boundedJobs: u64,
      bounds: u64,
    }),
  ),
});
/** ECON-3: all that settling an epoch depends on. */
export type SettlementInput = typeof SettlementInputCodec.$inferType;

export const SettlementCodec = bcs.struct("Settlement", {
  epoch: u64,
  /** `settlementInputDigest` of what was settled. */
  input: bytes32,
  minted: u64,
  /** To liquid balances, ascending by account. */
  payments: bcs.vector(bcs.struct("Payment", { account: bytes32, amount: u64 })),
  /** To stake pools, ascending by (role, operator); role 0 validator, 1 encoder. */
  pools: bcs.vector(bcs.struct("PoolReward", { role: u32, operator: bytes32, amount: u64 })),
});
export type Settlement = typeof SettlementCodec.$inferType;

/** ECON-1: what an epoch mints of `unminted`; `fraction` is over 2^128. */
export function emission(unminted: bigint, fraction: bigint): bigint {
  return (unminted * fraction) >> 128n;
}

/** ECON-3: a share of an epoch's emission, which is what it mints and what was burned. */
export function emissionShare(
  { unminted, emissionFraction, burned }: Pick<SettlementInput, "unminted" | "emissionFraction" | "burned">,
  bps: number,
): bigint {
  return ((emission(unminted, emissionFraction) + burned) * BigInt(bps)) / 10_000n;
}

/** ADR 0004: subsidies stay below what was burned for them: one half. */
export function subsidyBound(burned: bigint): bigint {
  return burned / 2n;
}

export function settlementInputDigest(chainId: string, input: SettlementInput): Digest {
  return toHex(taggedHash("soma.settlement-input", chainId, encode(SettlementInputCodec, input)));
}

export function settlementDigest(chainId: string, settlement: Settlement): Digest {
  return toHex(taggedHash("soma.settlement", chainId, encode(SettlementCodec, settlement)));
}
