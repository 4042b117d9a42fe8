import { emission, type Settlement, type SettlementInput } from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { settleEpoch } from "./settle.ts";

const TOKEN = 1_000_000_000n;
const FRACTION = 214597812230836260612044078501977615n;
const id = (n: number) => n.toString(16).padStart(64, "0");

const input: SettlementInput = {
  epoch: 3n,
  unminted: 1_000_000n * TOKEN,
  emissionFraction: FRACTION,
  burned: 1_000n,
  feesBurned: 400n,
  shares: { validatorsBps: 3_000, inclusionBps: 1_000, embeddingBps: 3_500 },
  validators: [
    { operator: id(1), stake: 300n, commissionBps: 1_000, earns: true },
    { operator: id(2), stake: 100n, commissionBps: 0, earns: false },
  ],
  inclusion: [
    { author: id(1), transactions: 3n, earns: true },
    { author: id(2), transactions: 1n, earns: true },
  ],
  winners: [{ winner: id(9), commissionBps: 5_000, equalJobs: 0n, boundedJobs: 1n, bounds: 300n }],
};

function settled(from: SettlementInput): Settlement {
  const result = settleEpoch("test", from);
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

function given(settlement: Settlement): bigint {
  let sum = 0n;
  for (const { amount } of settlement.payments) sum += amount;
  for (const { amount } of settlement.pools) sum += amount;
  return sum;
}

describe("ECON-1", () => {
  test.each([
    [1, 630_646n],
    [30, 18_747_400n],
    [365, 205_671_770n],
    [3650, 900_000_000n],
  ])("after %d days the sum is the stated one (in thousandths)", (days, thousandths) => {
    const cap = 1_000_000n * TOKEN;
    let unminted = cap;
    for (let day = 0; day < days; day++) unminted -= emission(unminted, FRACTION);
    const sum = (cap - unminted) / 1_000_000n;
    const difference = sum > thousandths ? sum - thousandths : thousandths - sum;
    expect(difference <= 5n).toBe(true);
  });
});

describe("ECON-3", () => {
  test("validators by stake with commission; a banned one's part goes to nobody", () => {
    const { pools, payments, minted } = settled({ ...input, inclusion: [], winners: [] });
    const pot = ((minted + 1_000n) * 3_000n) / 10_000n;
    const reward = (pot * 300n) / 400n;
    expect(payments).toEqual([{ account: id(1), amount: reward / 10n }]);
    expect(pools).toEqual([{ role: 0, operator: id(1), amount: reward - reward / 10n }]);
  });

  test("ADR 0004: inclusion is at most half of the base fees, a winner's reward half of what its job burned", () => {
    const { pools, payments } = settled({ ...input, validators: [] });
    expect(payments).toEqual([
      { account: id(1), amount: 150n },
      { account: id(2), amount: 50n },
      { account: id(9), amount: 150n },
    ]);
    expect(pools).toEqual([{ role: 1, operator: id(9), amount: 150n }]);
  });

  test("who earns nothing gets no inclusion either, and enriches nobody by it", () => {
    const [first, second] = input.inclusion as [(typeof input.inclusion)[0], (typeof input.inclusion)[0]];
    const inclusion = [first, { ...second, earns: false }];
    const { payments } = settled({ ...input, inclusion, validators: [], winners: [] });
    expect(payments).toEqual([{ account: id(1), amount: 150n }]);
  });

  test("a small emission is shared alike among jobs", () => {
    const none = { commissionBps: 0, boundedJobs: 0n, bounds: 0n };
    const winners = [1, 2, 3].map((n) => ({ ...none, winner: id(n), equalJobs: 1n }));
    const small = { ...input, unminted: 0n, validators: [], inclusion: [], winners };
    const amounts = settled(small).pools.map(({ amount }) => amount);
    expect(amounts).toEqual([116n, 116n, 116n]);
  });

  test("shares above the whole are refused", () => {
    const shares = { validatorsBps: 9_000, inclusionBps: 1_000, embeddingBps: 3_500 };
    expect(settleEpoch("test", { ...input, shares })).toMatchObject({ ok: false, code: "SETTLEMENT_SHARES" });
  });

  test("never more than minted and burned, recipients unique and ascending, whatever the input", () => {
    const amount = fc.bigInt(0n, 1_000_000n * TOKEN);
    const operator = fc.nat(20).map(id);
    const inputs = fc.record({
      epoch: fc.bigInt(0n, 100n),
      unminted: amount,
      emissionFraction: fc.bigInt(0n, 1n << 127n),
      burned: amount,
      feesBurned: amount,
      shares: fc.constant(input.shares),
      validators: fc.array(
        fc.record({ operator, stake: amount, commissionBps: fc.nat(10_000), earns: fc.boolean() }),
      ),
      inclusion: fc.array(
        fc.record({ author: operator, transactions: fc.bigInt(0n, 1_000n), earns: fc.boolean() }),
      ),
      winners: fc.array(
        fc.record({
          winner: operator,
          commissionBps: fc.nat(10_000),
          equalJobs: fc.bigInt(0n, 1_000n),
          boundedJobs: fc.bigInt(0n, 1_000n),
          bounds: amount,
        }),
      ),
    });
    fc.assert(
      fc.property(inputs, (random) => {
        const settlement = settled(random);
        expect(given(settlement) <= settlement.minted + random.burned).toBe(true);
        expect(settlement.minted <= random.unminted).toBe(true);
        const accounts = settlement.payments.map(({ account }) => account);
        expect(accounts).toEqual([...new Set(accounts)].sort());
        const keys = settlement.pools.map(({ role, operator: key }) => `${role} ${key}`);
        expect(keys).toEqual([...new Set(keys)].sort());
      }),
    );
  });
});
