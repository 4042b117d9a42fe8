import { initialParameters, NO_COMMIT } from "@soma/protocol";
import { expect, test } from "vitest";
import { accountEntries, type EntryNames, HEAD_ENTRY, stakeEntries } from "./entries-of.ts";
import { LedgerReading } from "./ledger-reading.ts";
import { credit } from "./money.ts";
import { heads } from "./records.ts";
import { delegate, rewardPool, turnStake, undelegate } from "./stake.ts";
import { KeyedStore } from "./store.ts";

const parameters = { ...initialParameters("devnet"), unbondingEpochs: 3, minDelegation: 1n };
const [ANN, BOB, ONE, TWO] = ["aa", "bb", "cc", "dd"].map((byte) => byte.repeat(32)) as [
  string,
  string,
  string,
  string,
];

/** A ledger in which Ann and Bob have stake of every kind with two operators. */
function whole(): KeyedStore {
  const store = new KeyedStore();
  const zero = { recyclable: 0n, unminted: 0n, burned: 0n, feesBurned: 0n, provenJobs: 0n };
  const place = { epoch: 0n, commit: 0n, commitDigest: NO_COMMIT, timestampMs: 0n };
  heads.put(store, { ...zero, ...place, beacon: NO_COMMIT, leaderBlock: NO_COMMIT, closing: false }, "now");
  for (const owner of [ANN, BOB]) credit(store, owner, 1_000_000n);
  delegate(store, parameters, "encoder", ONE, ANN, 1_000n);
  delegate(store, parameters, "encoder", ONE, BOB, 500n);
  delegate(store, parameters, "validator", TWO, BOB, 700n);
  turnStake(store, parameters, 1n);
  rewardPool(store, "encoder", ONE, 300n);
  undelegate(store, parameters, "encoder", ONE, ANN, 400n);
  delegate(store, parameters, "validator", TWO, ANN, 90n);
  turnStake(store, parameters, 2n);
  delegate(store, parameters, "encoder", TWO, ANN, 50n);
  return store;
}

/** The entries of these names alone, as a database finds them. */
function load(from: KeyedStore, names: EntryNames, into: KeyedStore): void {
  const { keys, tables = [] } = names;
  for (const key of from.allKeys()) {
    const isWanted = keys.includes(key) || tables.some((table) => key.startsWith(`${table}/`));
    if (isWanted) into.set(key, from.get(key)!);
  }
}

test.each([
  ["one with stake of every kind", ANN],
  ["another", BOB],
  ["a stranger", ONE],
])("the account of %s reads alike from all entries and from those that it names", (_, address) => {
  const all = whole();
  const some = new KeyedStore();
  load(all, { keys: [HEAD_ENTRY] }, some);
  load(all, accountEntries(address), some);
  load(all, stakeEntries(some, address), some);
  const [one, other] = [new LedgerReading(all), new LedgerReading(some)];
  expect(other.account(address)).toEqual(one.account(address));
  expect(other.stakesOf(address)).toEqual(one.stakesOf(address));
  expect(one.stakesOf(address)).toHaveLength({ [ANN]: 3, [BOB]: 2, [ONE]: 0 }[address]!);
  expect(some.size).toBeLessThan(all.size);
});
