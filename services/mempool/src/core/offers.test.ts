import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Inspected } from "./inspect.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { TransactionPool } from "./pool.ts";
import { inspected, RICH } from "./test-transactions.ts";

const LEASE = 3n;

/** What `take` is to give, by looking at everything. */
class Everything {
  readonly waiting: { one: Inspected; arrival: number; until: bigint }[] = [];
  readonly next = new Map<string, bigint>();
  #arrivals = 0;

  admit(one: Inspected): void {
    this.leave((each) => each.sender === one.sender && each.sequence === one.sequence);
    this.waiting.push({ one, arrival: this.#arrivals++, until: 0n });
  }

  leave(goes: (one: Inspected) => boolean): void {
    for (const each of [...this.waiting])
      if (goes(each.one)) this.waiting.splice(this.waiting.indexOf(each), 1);
  }

  take(count: number, at: bigint): string[] {
    const taken: string[] = [];
    while (taken.length < count) {
      const ready = this.waiting.filter(({ one, until }) => until <= at && this.#mayGo(one, at));
      const best = ready.sort((a, b) => Number(b.one.tip - a.one.tip) || a.arrival - b.arrival)[0];
      if (best === undefined) break;
      best.until = at + LEASE;
      taken.push(best.one.digest);
    }
    return taken;
  }

  /** Whether all before it, from the account's next number on, are in blocks. */
  #mayGo({ sender, sequence }: Inspected, at: bigint): boolean {
    for (let n = this.next.get(sender) ?? 0n; n < sequence; n++) {
      const before = this.waiting.find(({ one }) => one.sender === sender && one.sequence === n);
      if (before === undefined || before.until <= at) return false;
    }
    return true;
  }
}

describe("what is offered to blocks", () => {
  test("is what a look at everything gives, whatever came, left and was taken before", () => {
    const key = fc.nat(5);
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant("admit" as const),
          key,
          sequence: fc.nat(5),
          tip: fc.bigInt(0n, 9n),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant("take" as const), count: fc.integer({ min: 1, max: 4 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("execute" as const), key, sequence: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("discard" as const), place: fc.nat(20) }) },
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const pool = new TransactionPool({ ...DEFAULT_LIMITS, leaseMs: LEASE }, 1n, 100n);
        const all = new Everything();
        for (const [index, what] of steps.entries()) {
          const at = BigInt(index + 1);
          if (what.do === "take") {
            const given = pool.take(what.count, 1_000_000, at).map(({ digest }) => digest);
            expect(given).toEqual(all.take(what.count, at));
            taken += given.length;
          } else if (what.do === "execute") {
            const { sender } = inspected(what.key, 0);
            const used = BigInt(what.sequence);
            pool.executed([{ sender, sequence: used }]);
            if ((all.next.get(sender) ?? 0n) <= used) all.next.set(sender, used + 1n);
            all.leave((one) => one.sender === sender && one.sequence <= used);
          } else if (what.do === "discard") {
            const gone = all.waiting[what.place]?.one.digest;
            pool.discard(gone === undefined ? [] : [gone]);
            all.leave(({ digest }) => digest === gone);
          } else {
            const one = inspected(what.key, what.sequence, what.tip);
            const admitted = pool.admit(one, true, RICH, at);
            if (admitted.ok && !admitted.value.known) all.admit(one);
          }
        }
      }),
      { numRuns: 200 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  test("entries of what is no more do not gather", () => {
    const pool = new TransactionPool({ ...DEFAULT_LIMITS, sequenceWindow: 4n }, 1n, 0n);
    for (let tip = 1n, n = 0; n < 3_000; n++, tip += tip / 10n + 1n) {
      if (tip > 1n << 60n) tip = 1n;
      const one = inspected(1, 0, tip);
      pool.admit(one, true, { balance: 1n << 63n, sequence: 0n }, 0n);
      if (n % 7 === 0) pool.discard([one.digest]);
    }
    expect(pool.take(10, 10_000, 0n).length).toBe(1);
  });
});

describe("the queue's length", () => {
  const limits = { ...DEFAULT_LIMITS, queueMs: 100n, queueTransactions: 3 };

  test("is bounded for who pays no tip, once the next for a block has waited too long", () => {
    const pool = new TransactionPool(limits, 1n, 100n);
    for (const key of [1, 2, 3]) pool.admit(inspected(key, 0), true, RICH, 0n);
    expect(pool.checkQueue(0n, 1_000n).ok).toBe(true);
    pool.admit(inspected(4, 0), true, RICH, 0n);
    expect(pool.checkQueue(0n, 100n).ok).toBe(true);
    expect(pool.checkQueue(0n, 101n)).toMatchObject({
      ok: false,
      code: "MEMPOOL_CONGESTED",
      minimumTip: 100n,
    });
    expect(pool.checkQueue(100n, 101n).ok).toBe(true);
    // What is in blocks waits no more.
    pool.take(4, 10_000, 101n);
    expect(pool.checkQueue(0n, 101n).ok).toBe(true);
  });

  test("does not count what stands behind a gap", () => {
    const pool = new TransactionPool(limits, 1n, 100n);
    for (const key of [1, 2, 3, 4, 5]) pool.admit(inspected(key, 1), true, RICH, 0n);
    expect(pool.checkQueue(0n, 1_000n).ok).toBe(true);
  });
});
