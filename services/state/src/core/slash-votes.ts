import { ceilDiv, err, minBig, ok, type Result } from "@soma/base";
import type { Address, Amount, CommitteeMember, Parameters } from "@soma/protocol";
import { headOf } from "./money.ts";
import { epochs, slashVotes, validators } from "./records.ts";
import { takeFromPool } from "./stake.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/**
 * ECON-7: a validator with a seat says that another should lose stake, until it takes that back. Refusals: VOTE_STRANGER,
 * VOTE_SELF, VOTE_ACCUSED, VOTE_STANDING.
 */
export function voteSlash(store: KeyedStore, voter: Address, accused: Address): Result<true> {
  if (!committeeOf(store).some(({ validator }) => validator === voter)) {
    return err("VOTE_STRANGER", "the sender has no seat in the epoch's committee");
  }
  if (voter === accused) return err("VOTE_SELF", "nobody votes on itself");
  if (validators.get(store, accused) === undefined) return err("VOTE_ACCUSED", "no such validator");
  if (slashVotes.get(store, accused, voter) !== undefined) {
    return err("VOTE_STANDING", "the sender's vote on this validator stands already");
  }
  slashVotes.put(store, {}, accused, voter);
  return ok(true);
}

/** Takes a vote back, with a seat or without. Refusals: VOTE_ABSENT. */
export function withdrawSlashVote(store: KeyedStore, voter: Address, accused: Address): Result<true> {
  if (slashVotes.get(store, accused, voter) === undefined) {
    return err("VOTE_ABSENT", "the sender has no vote on this validator");
  }
  slashVotes.delete(store, accused, voter);
  return ok(true);
}

/** Stake of the current committee that votes on a validator. */
export interface SlashStanding {
  readonly stake: Amount;
  /** It is more than two thirds of the committee's: no rewards, and a part of the stake at the epoch's end. */
  readonly quorum: boolean;
}

/** Those whom votes stand on, by the stake that their voters have in the current epoch. */
export function slashStandings(store: KeyedStore): ReadonlyMap<Address, SlashStanding> {
  const stakes = new Map(committeeOf(store).map(({ validator, stake }) => [validator, stake]));
  let total = 0n;
  for (const stake of stakes.values()) total += stake;
  const sums = new Map<Address, Amount>();
  for (const { parts } of slashVotes.rows(store)) {
    const [accused, voter] = parts as [Address, Address];
    sums.set(accused, (sums.get(accused) ?? 0n) + (stakes.get(voter) ?? 0n));
  }
  return new Map([...sums].map(([accused, stake]) => [accused, { stake, quorum: 3n * stake > 2n * total }]));
}

/** ECON-7: what is left of `stake` after an epoch under a standing quorum. */
export function stakeAfterVotes(stake: Amount, bps: number): Amount {
  return stake - minBig(stake, ceilDiv(stake * BigInt(bps), 10_000n));
}

/**
 * The epoch's slashes by vote: before stake turns, so that what was asked back in this epoch does not escape. Stake that
 * joins at the turn has not counted, and is not touched.
 */
export function slashByVotes(store: KeyedStore, parameters: Parameters): void {
  for (const [accused, { quorum }] of slashStandings(store)) {
    if (!quorum) continue;
    takeFromPool(
      store,
      "validator",
      accused,
      (stake) => stake - stakeAfterVotes(stake, parameters.slashVotesBps),
    );
  }
}

/** Votes of those without a seat in the next committee lapse, and those on who no longer is a validator. */
export function lapseSlashVotes(store: KeyedStore, next: readonly CommitteeMember[]): void {
  const seats = new Set(next.map(({ validator }) => validator));
  for (const { parts } of slashVotes.rows(store)) {
    const [accused, voter] = parts as [Address, Address];
    if (seats.has(voter) && validators.get(store, accused) !== undefined) continue;
    slashVotes.delete(store, accused, voter);
  }
}

function committeeOf(store: KeyedStore): readonly CommitteeMember[] {
  return epochs.get(store, numberKey(headOf(store).epoch))!.committee;
}
