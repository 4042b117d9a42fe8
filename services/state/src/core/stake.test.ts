import { initialParameters, NO_COMMIT } from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_HOLDINGS, stakesOf } from "./holdings.ts";
import { accountOf, credit, headOf } from "./money.ts";
import { bondShares, bonds, delegations, heads, holdings, pools } from "./records.ts";
import { delegate, poolOf, releaseBonds, rewardPool, slashStake, turnStake, undelegate } from "./stake.ts";
import { KeyedStore } from "./store.ts";

const parameters = { ...initialParameters("devnet"), unbondingEpochs: 3, minDelegation: 1n };
const [ANN, BOB, OPERATOR] = ["aa", "bb", "cc"].map((byte) => byte.repeat(32)) as [string, string, string];

function bank(): KeyedStore {
  const store = new KeyedStore();
  const zero = { recyclable: 0n, unminted: 0n, burned: 0n, feesBurned: 0n, provenJobs: 0n };
  const place = { epoch: 0n, commit: 0n, commitDigest: NO_COMMIT, timestampMs: 0n };
  heads.put(store, { ...zero, ...place, beacon: NO_COMMIT, leaderBlock: NO_COMMIT, closing: false }, "now");
  for (const owner of [ANN, BOB]) credit(store, owner, 1_000_000n);
  return store;
}

function total(store: KeyedStore): bigint {
  let sum = headOf(store).recyclable + accountOf(store, ANN).balance + accountOf(store, BOB).balance;
  for (const { value } of pools.rows(store)) sum += value.stake + value.incoming;
  for (const { value } of bonds.rows(store)) sum += value.stake;
  return sum;
}

/** Which operators an account has stake with, counted from the stake itself. */
function heldBy(store: KeyedStore, owner: string): string[] {
  const found = new Set<string>();
  for (const { parts } of delegations.rows(store)) if (parts[2] === owner) found.add(parts[1]!);
  for (const { parts } of bondShares.rows(store)) if (parts[3] === owner) found.add(parts[2]!);
  return [...found];
}

const slash = { role: "encoder", operator: OPERATOR, cap: null, bringer: null } as const;

describe("ECON-5, ECON-6: pools", () => {
  test("rewards raise the worth of shares; a later comer buys at the new rate", () => {
    const store = bank();
    delegate(store, parameters, "encoder", OPERATOR, ANN, 1_000n);
    turnStake(store, parameters, 1n);
    rewardPool(store, "encoder", OPERATOR, 1_000n);
    delegate(store, parameters, "encoder", OPERATOR, BOB, 1_000n);
    turnStake(store, parameters, 2n);
    expect(delegations.get(store, "encoder", OPERATOR, BOB)?.shares).toBe(500n);
    expect(undelegate(store, parameters, "encoder", OPERATOR, ANN, 2_001n)).toMatchObject({
      code: "STAKE_SHORT",
    });
    expect(undelegate(store, parameters, "encoder", OPERATOR, ANN, 2_000n)).toMatchObject({ ok: true });
    expect(poolOf(store, "encoder", OPERATOR).stake).toBe(3_000n);
  });

  test("stake that left after the offence is slashed while it unbonds; stake that had left before is not", () => {
    const store = bank();
    delegate(store, parameters, "encoder", OPERATOR, ANN, 1_000n);
    delegate(store, parameters, "encoder", OPERATOR, BOB, 1_000n);
    turnStake(store, parameters, 1n);
    undelegate(store, parameters, "encoder", OPERATOR, ANN, 1_000n);
    turnStake(store, parameters, 2n);
    // Ann's stake counted in epoch 1, not in 2.
    expect(slashStake(store, parameters, { ...slash, bps: 1_000, epoch: 2n })).toBe(100n);
    expect(bonds.rows(store)[0]?.value.stake).toBe(1_000n);
    expect(slashStake(store, parameters, { ...slash, bps: 1_000, epoch: 1n })).toBe(190n);
    expect(bonds.rows(store)[0]?.value.stake).toBe(900n);
    releaseBonds(store, 4n);
    expect(accountOf(store, ANN).balance).toBe(999_000n);
    releaseBonds(store, 5n);
    expect(accountOf(store, ANN).balance).toBe(999_900n);
  });

  test("a cap bounds a slash, and a twentieth goes to who brought the evidence", () => {
    const store = bank();
    delegate(store, parameters, "encoder", OPERATOR, ANN, 100_000n);
    turnStake(store, parameters, 1n);
    expect(slashStake(store, parameters, { ...slash, bps: 500, epoch: 1n, cap: 1_000n, bringer: BOB })).toBe(
      1_000n,
    );
    expect(accountOf(store, BOB).balance).toBe(1_000_050n);
    expect(headOf(store).recyclable).toBe(950n);
  });

  test("what buys no share goes back", () => {
    const store = bank();
    delegate(store, parameters, "encoder", OPERATOR, ANN, 10n);
    turnStake(store, parameters, 1n);
    rewardPool(store, "encoder", OPERATOR, 1_000n);
    delegate(store, parameters, "encoder", OPERATOR, BOB, 100n);
    turnStake(store, parameters, 2n);
    expect(accountOf(store, BOB).balance).toBe(1_000_000n);
    expect(delegations.get(store, "encoder", OPERATOR, BOB)).toBeUndefined();
    expect(poolOf(store, "encoder", OPERATOR)).toEqual({ stake: 1_010n, shares: 10n, incoming: 0n });
  });

  test("what is staked in this epoch can be taken back at once", () => {
    const store = bank();
    delegate(store, parameters, "encoder", OPERATOR, ANN, 1_000n);
    undelegate(store, parameters, "encoder", OPERATOR, ANN, 400n);
    expect(accountOf(store, ANN).balance).toBe(999_400n);
    turnStake(store, parameters, 1n);
    expect(poolOf(store, "encoder", OPERATOR)).toEqual({ stake: 600n, shares: 600n, incoming: 0n });
  });

  test("what a pool that was slashed again and again would need too many shares for goes back", () => {
    const store = bank();
    for (let epoch = 1n; epoch <= 10n; epoch++) {
      delegate(store, parameters, "encoder", OPERATOR, ANN, 100_000n);
      turnStake(store, parameters, epoch);
      for (let i = 0; i < 30; i++) slashStake(store, parameters, { ...slash, bps: 5_000, epoch });
    }
    expect(poolOf(store, "encoder", OPERATOR).shares).toBeLessThan(1n << 100n);
    expect(poolOf(store, "encoder", OPERATOR).incoming).toBe(0n);
    const left = accountOf(store, ANN).balance;
    delegate(store, parameters, "encoder", OPERATOR, ANN, 100_000n);
    turnStake(store, parameters, 11n);
    expect(accountOf(store, ANN).balance).toBe(left);
    expect(total(store)).toBe(2_000_000n);
  });

  test("an account has stake with so many operators, what unbonds included, and room again once it is out", () => {
    const store = bank();
    const operator = (n: number) => n.toString(16).padStart(64, "0");
    for (let n = 0; n < MAX_HOLDINGS; n++) delegate(store, parameters, "encoder", operator(n), ANN, 10n);
    const crowded = () => delegate(store, parameters, "validator", operator(0), ANN, 10n);
    expect(crowded()).toMatchObject({ code: "STAKE_CROWDED" });
    expect(delegate(store, parameters, "encoder", operator(0), ANN, 10n)).toMatchObject({ ok: true });
    turnStake(store, parameters, 1n);
    undelegate(store, parameters, "encoder", operator(0), ANN, 20n);
    for (let epoch = 2n; epoch <= 4n; epoch++) {
      turnStake(store, parameters, epoch);
      releaseBonds(store, epoch);
      expect(crowded()).toMatchObject({ code: "STAKE_CROWDED" });
    }
    expect(stakesOf(store, ANN)[0]).toMatchObject({ operator: operator(0), active: 0n, unbonding: 20n });
    releaseBonds(store, 5n);
    expect(crowded()).toMatchObject({ ok: true });
    expect(stakesOf(store, ANN).length).toBe(MAX_HOLDINGS);
  });

  test("less than the least delegation is neither staked nor left, but all can leave", () => {
    const store = bank();
    const least = { ...parameters, minDelegation: 100n };
    expect(delegate(store, least, "encoder", OPERATOR, ANN, 99n)).toMatchObject({ code: "STAKE_DUST" });
    delegate(store, least, "encoder", OPERATOR, ANN, 300n);
    expect(undelegate(store, least, "encoder", OPERATOR, ANN, 299n)).toMatchObject({ code: "STAKE_DUST" });
    turnStake(store, least, 1n);
    expect(undelegate(store, least, "encoder", OPERATOR, ANN, 201n)).toMatchObject({ code: "STAKE_DUST" });
    expect(undelegate(store, least, "encoder", OPERATOR, ANN, 200n)).toMatchObject({ ok: true });
    expect(undelegate(store, least, "encoder", OPERATOR, ANN, 100n)).toMatchObject({ ok: true });
    turnStake(store, least, 2n);
    expect(delegations.rows(store)).toEqual([]);
  });

  test("shares that a slash left worth nothing can leave, and so a pool that was emptied takes stake again", () => {
    const store = bank();
    delegate(store, parameters, "encoder", OPERATOR, ANN, 1_000n);
    turnStake(store, parameters, 1n);
    slashStake(store, parameters, { ...slash, bps: 10_000, epoch: 1n });
    delegate(store, parameters, "encoder", OPERATOR, BOB, 500n);
    turnStake(store, parameters, 2n);
    expect(accountOf(store, BOB).balance).toBe(1_000_000n);
    expect(undelegate(store, parameters, "encoder", OPERATOR, ANN, 1n)).toMatchObject({ ok: true });
    turnStake(store, parameters, 3n);
    expect([...delegations.rows(store), ...pools.rows(store)]).toEqual([]);
    delegate(store, parameters, "encoder", OPERATOR, BOB, 500n);
    turnStake(store, parameters, 4n);
    expect(poolOf(store, "encoder", OPERATOR)).toEqual({ stake: 500n, shares: 500n, incoming: 0n });
    expect(total(store)).toBe(2_000_000n);
  });

  test("what others have staked is not read to tell an account's stakes", () => {
    class CountingStore extends KeyedStore {
      scans = 0;

      override keys(table: string): string[] {
        this.scans += 1;
        return super.keys(table);
      }
    }
    const store = new CountingStore();
    for (const [key, value] of bank()
      .allKeys()
      .map((key) => [key, bank().get(key)!] as const)) {
      store.set(key, value);
    }
    delegate(store, parameters, "encoder", OPERATOR, ANN, 10n);
    expect(stakesOf(store, ANN)).toEqual([
      { role: "encoder", operator: OPERATOR, active: 0n, pending: 10n, unbonding: 0n },
    ]);
    expect(store.scans).toBe(0);
  });

  test("no sequence of stakes, rewards, slashes and epochs makes or loses money, or leaves shares without an owner", () => {
    const step = fc.record({
      what: fc.nat(5),
      who: fc.constantFrom(ANN, BOB),
      amount: fc.bigInt(0n, 3_000n),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const store = bank();
        let epoch = 0n;
        let rewarded = 0n;
        for (const { what, who, amount } of steps) {
          if (what === 0 || what === 1) delegate(store, parameters, "encoder", OPERATOR, who, amount);
          else if (what === 2) undelegate(store, parameters, "encoder", OPERATOR, who, amount);
          else if (what === 3) {
            rewardPool(store, "encoder", OPERATOR, amount);
            rewarded += amount;
          } else if (what === 4) {
            slashStake(store, parameters, { ...slash, bps: Number(amount), epoch, bringer: who });
          } else {
            epoch += 1n;
            turnStake(store, parameters, epoch);
            releaseBonds(store, epoch);
          }
          expect(total(store)).toBe(2_000_000n + rewarded);
          let shares = 0n;
          let incoming = 0n;
          for (const { value } of delegations.rows(store)) {
            shares += value.shares;
            incoming += value.incoming;
          }
          const pool = poolOf(store, "encoder", OPERATOR);
          expect([pool.shares, pool.incoming]).toEqual([shares, incoming]);
          for (const owner of [ANN, BOB]) {
            const held = holdings.get(store, owner) ?? [];
            expect(held.map(({ operator }) => operator)).toEqual(heldBy(store, owner));
            const unbonding = bondShares.rows(store).filter(({ parts }) => parts[3] === owner);
            expect(held.flatMap(({ releases }) => releases).length).toBe(unbonding.length);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
