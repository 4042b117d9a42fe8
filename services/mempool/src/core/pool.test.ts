import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MEMPOOL_REFUSALS } from "./codes.ts";
import { inspect } from "./inspect.ts";
import { DEFAULT_LIMITS, minimumTip, type PoolLimits } from "./limits.ts";
import { TransactionPool } from "./pool.ts";
import { bytesOf, CHAIN, inspected, RICH } from "./test-transactions.ts";

const pool = (limits: Partial<PoolLimits> = {}) =>
  new TransactionPool({ ...DEFAULT_LIMITS, ...limits }, 1n, 100n);
const taken = (from: TransactionPool, at: bigint, max = 100) =>
  from.take(max, 1_000_000, at).map(({ sequence }) => Number(sequence));

describe("admission", () => {
  test.each([
    ["MEMPOOL_MALFORMED", Uint8Array.of(1, 2, 3)],
    ["MEMPOOL_CHAIN", bytesOf(1, 0, 0n, { chainId: "other" })],
    ["MEMPOOL_EXPIRED", bytesOf(1, 0, 0n, { expiryEpoch: 0n })],
  ])("inspection refuses with %s", (code, bytes) => {
    expect(inspect(bytes, CHAIN, 1n)).toMatchObject({ ok: false, code });
  });

  test("no bytes make inspection throw, and only canonical ones pass", () => {
    const whole = bytesOf(1, 0);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(whole.length - 1),
        fc.nat(255),
        (bytes, at, value) => {
          expect(inspect(bytes, CHAIN, 1n).ok).toBe(false);
          const bent = Uint8Array.from(whole);
          bent[at] = value;
          const result = inspect(bent, CHAIN, 1n);
          if (!result.ok) expect(result.code in MEMPOOL_REFUSALS).toBe(true);
        },
      ),
    );
  });

  test.each<[string, (p: TransactionPool) => unknown]>([
    ["MEMPOOL_SIGNATURE", (p) => p.admit(inspected(1, 0), false, RICH, 0n)],
    ["MEMPOOL_ACCOUNT", (p) => p.admit(inspected(1, 0), true, undefined, 0n)],
    ["MEMPOOL_SEQUENCE_STALE", (p) => p.admit(inspected(1, 0), true, { balance: 1_000n, sequence: 1n }, 0n)],
    ["MEMPOOL_SEQUENCE_FAR", (p) => p.admit(inspected(1, 4), true, RICH, 0n)],
    ["MEMPOOL_BALANCE", (p) => p.admit(inspected(1, 0, 1n), true, { balance: 100n, sequence: 0n }, 0n)],
    [
      "MEMPOOL_SEQUENCE_TAKEN",
      (p) => [5n, 4n].map((tip) => p.admit(inspected(1, 0, tip), true, RICH, 0n)).at(-1),
    ],
    [
      "MEMPOOL_EXPIRED",
      (p) => {
        p.openEpoch(6n, 100n);
        return p.admit(inspected(1, 0), true, RICH, 0n);
      },
    ],
    ["MEMPOOL_QUOTA", (p) => [0, 1, 2].map((n) => p.admit(inspected(1, n, 200n), true, RICH, 0n)).at(-1)],
    [
      "MEMPOOL_FULL",
      (p) => [1, 2, 3, 4, 5].map((key) => p.admit(inspected(key, 0, 200n), true, RICH, 0n)).at(-1),
    ],
    [
      "MEMPOOL_TIP_LOW",
      (p) =>
        [1, 2, 3, 4].map((key) => p.admit(inspected(key, 0, key === 4 ? 1n : 200n), true, RICH, 0n)).at(-1),
    ],
  ])("the pool refuses with %s", (code, act) => {
    const limits = { transactions: 4, senderTransactions: 2, sequenceWindow: 4n };
    expect(act(pool(limits))).toMatchObject({ ok: false, code });
  });

  test("a repeat is known, and a higher tip replaces", () => {
    const p = pool();
    expect(p.admit(inspected(1, 0), true, RICH, 0n)).toMatchObject({ ok: true, value: { known: false } });
    expect(p.admit(inspected(1, 0), true, RICH, 0n)).toMatchObject({ ok: true, value: { known: true } });
    expect(p.admit(inspected(1, 0, 7n), true, RICH, 0n)).toMatchObject({ ok: true, value: { known: false } });
    expect(p.take(10, 10_000, 0n).map(({ tip }) => tip)).toEqual([7n]);
  });

  test("the least tip rises from half full to the base fee", () => {
    const floor = (transactions: number) => minimumTip(DEFAULT_LIMITS, { transactions, bytes: 0 }, 100n);
    expect([0, 10_000, 15_000, 20_000].map(floor)).toEqual([0n, 0n, 50n, 100n]);
  });
});

describe("discarding", () => {
  test("removes those alone, and leaves a gap that ends what may be taken", () => {
    const p = pool();
    const all = [0, 1, 2].map((sequence) => inspected(1, sequence));
    for (const transaction of all) p.admit(transaction, true, RICH, 0n);
    p.discard([all[1]!.digest, "unknown"]);
    expect([p.size, p.has(all[1]!.digest)]).toEqual([2, false]);
    expect(taken(p, 0n)).toEqual([0]);
    p.discard(all.map(({ digest }) => digest));
    expect([p.size, p.bytes]).toEqual([0, 0]);
  });
});

describe("taking", () => {
  test("best tips first, but a sender's own order stands, and a gap stops it", () => {
    const p = pool();
    for (const [key, sequence, tip] of [
      [1, 0, 1n],
      [1, 1, 9n],
      [2, 0, 5n],
      [2, 2, 9n],
    ] as const) {
      p.admit(inspected(key, sequence, tip), true, RICH, 0n);
    }
    expect(p.take(10, 100_000, 0n).map(({ tip }) => tip)).toEqual([5n, 1n, 9n]);
  });

  test("what was taken comes back after its lease, or when it is given back", () => {
    const p = pool({ leaseMs: 10n });
    for (const n of [0, 1, 2]) p.admit(inspected(1, n), true, RICH, 0n);
    expect(taken(p, 0n, 2)).toEqual([0, 1]);
    expect(taken(p, 5n)).toEqual([2]);
    expect(taken(p, 9n)).toEqual([]);
    expect(taken(p, 10n)).toEqual([0, 1]);
    p.giveBack([inspected(1, 1).digest]);
    expect(taken(p, 11n)).toEqual([1]);
  });

  test("a commit removes what it used up, and the next follows", () => {
    const p = pool();
    for (const n of [0, 1, 2]) p.admit(inspected(1, n), true, RICH, 0n);
    p.executed([{ sender: inspected(1, 0).sender, sequence: 1n }]);
    expect(p.size).toBe(1);
    expect(taken(p, 0n)).toEqual([2]);
    expect(p.admit(inspected(1, 1), true, RICH, 0n)).toMatchObject({
      ok: false,
      code: "MEMPOOL_SEQUENCE_STALE",
    });
    p.executed([{ sender: inspected(1, 0).sender, sequence: 2n }]);
    expect(p.size).toBe(0);
    expect(p.admit(inspected(1, 2), true, RICH, 0n)).toMatchObject({
      ok: false,
      code: "MEMPOOL_SEQUENCE_STALE",
    });
  });

  test("a block's bounds hold", () => {
    const p = pool();
    for (const n of [0, 1, 2]) p.admit(inspected(1, n), true, RICH, 0n);
    const width = inspected(1, 0).bytes.length;
    expect(p.take(10, 2 * width, 0n).length).toBe(2);
    expect(p.take(0, 10_000, 0n).length).toBe(0);
  });

  test("an epoch's end drops what expired", () => {
    const p = pool();
    p.admit(inspected(1, 0, 0n, { expiryEpoch: 1n }), true, RICH, 0n);
    p.admit(inspected(2, 0, 0n, { expiryEpoch: 2n }), true, RICH, 0n);
    expect(p.openEpoch(2n, 100n)).toEqual([inspected(1, 0, 0n, { expiryEpoch: 1n }).digest]);
    expect(p.size).toBe(1);
  });

  test("whatever happens, counts fit what waits and nothing is taken twice in one lease", () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("admit" as const),
        key: fc.nat(4),
        sequence: fc.nat(6),
        tip: fc.bigInt(0n, 50n),
      }),
      fc.record({
        do: fc.constant("take" as const),
        key: fc.nat(4),
        sequence: fc.nat(6),
        tip: fc.bigInt(0n, 9n),
      }),
      fc.record({
        do: fc.constant("execute" as const),
        key: fc.nat(4),
        sequence: fc.nat(6),
        tip: fc.constant(0n),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const p = pool({ transactions: 12, senderTransactions: 4, leaseMs: 3n });
        const leased = new Map<string, bigint>();
        for (const [index, { do: what, key, sequence, tip }] of steps.entries()) {
          const at = BigInt(index);
          if (what === "admit") p.admit(inspected(key, sequence, tip), true, RICH, 0n);
          else if (what === "execute") {
            p.executed([{ sender: inspected(key, 0).sender, sequence: BigInt(sequence) }]);
          } else {
            for (const waiting of p.take(3, 1_000, at)) {
              expect((leased.get(waiting.digest) ?? -1n) <= at).toBe(true);
              leased.set(waiting.digest, at + 3n);
            }
          }
          expect(p.size).toBeLessThanOrEqual(12);
          expect(p.size === 0).toBe(p.bytes === 0);
        }
      }),
    );
  });
});
