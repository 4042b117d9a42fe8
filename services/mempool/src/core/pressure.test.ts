import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Inspected } from "./inspect.ts";
import { DEFAULT_LIMITS, fairShare, minimumTip, type PoolLimits, replacementTip } from "./limits.ts";
import { type Admitted, TransactionPool } from "./pool.ts";
import { inspected, RICH } from "./test-transactions.ts";

const BASE_FEE = 100n;
const pool = (limits: Partial<PoolLimits> = {}) =>
  new TransactionPool({ ...DEFAULT_LIMITS, ...limits }, 1n, BASE_FEE);
const admit = (to: TransactionPool, transaction: Inspected, at = 0n) => to.admit(transaction, true, RICH, at);
const evicted = (admitted: Admitted) =>
  admitted.ok ? admitted.value.departed.filter(({ reason }) => reason === "evicted") : [];
const sequencesLost = (admitted: Admitted) =>
  evicted(admitted).map(({ waiting }) => Number(waiting.sequence));

describe("the least tip", () => {
  test.each([
    [0, 0, 0n],
    [10, 0, 0n],
    [11, 0, 10n],
    [15, 0, 50n],
    [20, 0, 100n],
    [30, 0, 100n],
    [0, 1_500, 50n],
    [11, 1_501, 51n],
  ])("with %i of 20 transactions and %i of 2 000 bytes", (transactions, bytes, tip) => {
    const limits = { ...DEFAULT_LIMITS, transactions: 20, bytes: 2_000 };
    expect(minimumTip(limits, { transactions, bytes }, 100n)).toBe(tip);
  });

  test("never falls as the pool fills, and lies between nothing and the base fee", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.nat(1_000_000),
        fc.nat(1_000_000),
        fc.bigInt(0n, 10n ** 9n),
        (limit, a, b, baseFee) => {
          const limits = { ...DEFAULT_LIMITS, transactions: limit };
          const at = (transactions: number) => minimumTip(limits, { transactions, bytes: 0 }, baseFee);
          expect(at(Math.min(a, b)) <= at(Math.max(a, b))).toBe(true);
          expect(at(0)).toBe(0n);
          expect(at(limit)).toBe(baseFee);
        },
      ),
    );
  });
});

describe("eviction", () => {
  test("takes the lowest tip a byte, the last of its sender first, and never what pays more", () => {
    const p = pool({ transactions: 4 });
    // 1 holds more than a third of four; its third pays well, but has to wait for its first two.
    for (const [key, sequence, tip] of [
      [1, 0, 110n],
      [1, 1, 120n],
      [1, 2, 900n],
      [2, 0, 105n],
    ] as const) {
      expect(admit(p, inspected(key, sequence, tip)).ok).toBe(true);
    }
    const low = admit(p, inspected(3, 0, 109n));
    expect(low).toMatchObject({ ok: false, code: "MEMPOOL_FULL", minimumTip: 110n });
    // It pays as much, and 3 has nothing here yet.
    expect(sequencesLost(admit(p, inspected(3, 0, 110n)))).toEqual([2]);
    expect(sequencesLost(admit(p, inspected(4, 0, 150n)))).toEqual([1]);
    // Everybody is within the fair share now.
    expect(admit(p, inspected(4, 1, 9_000n))).toMatchObject({ ok: false, code: "MEMPOOL_FULL" });
    expect(p.take(9, 10_000, 0n).map(({ tip }) => tip)).toEqual([150n, 110n, 110n, 105n]);
  });

  test("takes as much as a large one needs, counted a byte", () => {
    const small = inspected(1, 0, 100n, { padding: 100 }).bytes.length;
    const p = pool({ bytes: 8 * small });
    for (let n = 0; n < 8; n++) expect(admit(p, inspected(1, n, 200n, { padding: 100 })).ok).toBe(true);
    const large = (tip: bigint) => inspected(2, 0, tip, { padding: 90 + 2 * small });
    const refused = admit(p, large(200n));
    expect(refused).toMatchObject({ ok: false, code: "MEMPOOL_FULL" });
    const { minimumTip: passes } = refused as { minimumTip: bigint };
    expect(admit(p, large(passes - 1n)).ok).toBe(false);
    expect(sequencesLost(admit(p, large(passes)))).toEqual([7, 6, 5]);
  });

  test("leaves what is in a block, and takes what cannot execute first", () => {
    const p = pool({ transactions: 4, leaseMs: 10n });
    for (const n of [0, 1]) admit(p, inspected(1, n, 300n));
    for (const n of [0, 2]) admit(p, inspected(2, n, 400n));
    expect(p.take(3, 10_000, 0n).length).toBe(3);
    expect(sequencesLost(admit(p, inspected(3, 0, 300n), 5n))).toEqual([2]);
    expect(admit(p, inspected(4, 0, 500n), 5n)).toMatchObject({ ok: false, code: "MEMPOOL_FULL" });
    expect(sequencesLost(admit(p, inspected(4, 0, 500n), 20n))).toEqual([1]);
  });

  test("one that cannot execute makes nobody leave that can", () => {
    const p = pool({ transactions: 2 });
    for (const n of [0, 1]) admit(p, inspected(1, n, 100n));
    const refused = admit(p, inspected(2, 1, 9_000n));
    expect(refused).toMatchObject({ ok: false, code: "MEMPOOL_FULL" });
    expect(refused).not.toHaveProperty("minimumTip");
  });

  test("what was accepted comes back beyond the bounds, and a newcomer costs it one place", () => {
    const p = pool({ transactions: 4 });
    for (const key of [1, 2]) {
      for (let n = 0; n < 4; n++) expect(p.restore(inspected(key, n, 100n), 0n, 0n)).toBe("restored");
    }
    expect(p.size).toBe(8);
    expect(p.tipFloor).toBe(BASE_FEE);
    expect(admit(p, inspected(3, 0, 99n))).toMatchObject({ ok: false, code: "MEMPOOL_TIP_LOW" });
    expect(sequencesLost(admit(p, inspected(3, 0, 500n)))).toEqual([3]);
    expect(p.size).toBe(8);
  });

  test("a replacement pays a tenth more", () => {
    expect([0n, 9n, 20n, 105n].map(replacementTip)).toEqual([1n, 10n, 22n, 115n]);
    const p = pool();
    admit(p, inspected(1, 0, 50n));
    expect(admit(p, inspected(1, 0, 54n))).toMatchObject({ code: "MEMPOOL_SEQUENCE_TAKEN", minimumTip: 55n });
    const replaced = admit(p, inspected(1, 0, 55n));
    expect(replaced).toMatchObject({
      ok: true,
      value: { departed: [{ reason: "replaced", digest: inspected(1, 0, 50n).digest }] },
    });
  });
});

const LIMITS = { transactions: 12, bytes: 3_000, senderTransactions: 6, senderBytes: 1_500, leaseMs: 4n };
const KEYS = 8;
const NEVER = -1n;

const one = fc.record({
  key: fc.nat(KEYS - 1),
  /** Mostly what follows its sender's last: what stands behind a gap makes nobody give way. */
  sequence: fc.oneof(
    { weight: 3, arbitrary: fc.constant("following" as const) },
    { weight: 1, arbitrary: fc.nat(7) },
  ),
  tip: fc.oneof(fc.bigInt(0n, 130n), fc.bigInt(0n, 2_000n)),
  padding: fc.constantFrom(1, 1, 1, 300),
  expiryEpoch: fc.constantFrom(1n, 2n, 9n),
});
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("admit" as const), one }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("take" as const), one }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("execute" as const), one }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("epoch" as const), one }) },
);

/** The least sequence number from `next` on that is not among `held`. */
function following(next: bigint, held: readonly { readonly sequence: bigint }[]): bigint {
  let free = next;
  while (held.some(({ sequence }) => sequence === free)) free++;
  return free;
}

/** A second, slow account of what waits, and why each that was accepted left. */
class Book {
  readonly waiting = new Map<string, Inspected & { readonly key: number }>();
  readonly reasons = new Map<string, string>();
  readonly leased = new Map<string, bigint>();

  leave(digest: string, reason: string): void {
    expect(this.waiting.delete(digest)).toBe(true);
    this.reasons.set(digest, reason);
  }

  of(sender: string) {
    return [...this.waiting.values()].filter((one) => one.sender === sender);
  }

  /** What a sender's transactions up to this one pay a byte, at the least; -1 behind a gap. Next sequence numbers: 0. */
  standing(transaction: Inspected, next: bigint): bigint {
    const chain = this.of(transaction.sender).filter(({ sequence }) => sequence < transaction.sequence);
    let least = (transaction.tip * 1_000_000n) / BigInt(transaction.bytes.length);
    for (let at = next; at < transaction.sequence; at++) {
      const before = chain.find(({ sequence }) => sequence === at);
      if (before === undefined) return NEVER;
      const rate = (before.tip * 1_000_000n) / BigInt(before.bytes.length);
      if (rate < least) least = rate;
    }
    return least;
  }
}

describe("whatever comes", () => {
  test("bounds hold, fair shares stand, nobody gives way to a worse payer, and every departure has its reason", () => {
    let evictions = 0;
    let refusals = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 120, size: "max" }), (steps) => {
        const p = pool(LIMITS);
        const book = new Book();
        const next = new Map<string, bigint>();
        let epoch = 1n;
        for (const [index, { do: what, one: given }] of steps.entries()) {
          const at = BigInt(index);
          const { key, tip, padding, expiryEpoch } = given;
          const { sender } = inspected(key, 0);
          const sequence =
            given.sequence === "following"
              ? Number(following(next.get(sender) ?? 0n, book.of(sender)))
              : given.sequence;
          const transaction = inspected(key, sequence, tip, { padding, expiryEpoch });
          if (what === "take") {
            for (const { digest } of p.take(3, 2_000, at)) book.leased.set(digest, at + LIMITS.leaseMs);
          } else if (what === "execute") {
            const used = BigInt(Math.min(sequence, 2));
            p.executed([{ sender, sequence: used }]);
            if ((next.get(sender) ?? 0n) <= used) next.set(sender, used + 1n);
            for (const { digest, sequence: held } of book.of(sender)) {
              if (held <= used) book.leave(digest, "executed");
            }
          } else if (what === "epoch") {
            if (epoch < 3n)
              for (const digest of p.openEpoch(++epoch, BASE_FEE)) book.leave(digest, "expired");
          } else {
            const senders = new Set([...book.waiting.values(), transaction].map((each) => each.sender)).size;
            const share = {
              transactions: fairShare(LIMITS.transactions, senders),
              bytes: fairShare(LIMITS.bytes, senders),
            };
            const nextOf = (who: string) => next.get(who) ?? 0n;
            const mine = book.standing(transaction, nextOf(sender));
            const admitted = p.admit(transaction, true, { ...RICH, sequence: nextOf(sender) }, at);
            if (!admitted.ok) {
              refusals++;
              expect(book.waiting.has(transaction.digest)).toBe(false);
              if (admitted.minimumTip !== undefined) expect(admitted.minimumTip > tip).toBe(true);
              continue;
            }
            if (admitted.value.known) continue;
            const before = new Map([...book.waiting].map(([digest, each]) => [digest, each]));
            for (const { digest, reason, by } of admitted.value.departed) {
              const gone = before.get(digest)!;
              expect(by).toBe(transaction.digest);
              if (reason === "replaced") {
                expect([gone.sender, gone.sequence]).toEqual([sender, transaction.sequence]);
                expect(transaction.tip >= replacementTip(gone.tip)).toBe(true);
              } else {
                evictions++;
                expect(gone.sender).not.toBe(sender);
                expect((book.leased.get(digest) ?? NEVER) <= at).toBe(true);
                const held = book.of(gone.sender);
                const size = held.reduce((sum, each) => sum + each.bytes.length, 0);
                expect(held.length > share.transactions || size > share.bytes).toBe(true);
                expect(held.every((each) => each.sequence <= gone.sequence)).toBe(true);
                expect(book.standing(gone, nextOf(gone.sender)) <= mine).toBe(true);
              }
              book.leave(digest, reason);
            }
            book.waiting.set(transaction.digest, { ...transaction, key });
          }
          const size = [...book.waiting.values()].reduce((sum, each) => sum + each.bytes.length, 0);
          expect([p.size, p.bytes]).toEqual([book.waiting.size, size]);
          for (const digest of book.waiting.keys()) expect(p.has(digest)).toBe(true);
          expect(p.size <= LIMITS.transactions && p.bytes <= LIMITS.bytes).toBe(true);
          for (const { sender: who } of book.waiting.values()) {
            expect(p.heldBy(who)).toBe(book.of(who).length);
            expect(p.heldBy(who) <= LIMITS.senderTransactions).toBe(true);
          }
        }
      }),
      { numRuns: 100 },
    );
    // Else the steps above would not press.
    expect(evictions).toBeGreaterThan(100);
    expect(refusals).toBeGreaterThan(100);
  });

  test("a refusal's tip passes when it is paid", () => {
    let paid = 0;
    fc.assert(
      fc.property(fc.array(one, { minLength: 15, maxLength: 60 }), (all) => {
        const p = pool({ ...LIMITS, senderTransactions: 12, senderBytes: 3_000 });
        const waiting: Inspected[] = [];
        for (const { key, sequence: given, tip, padding } of all) {
          const { sender } = inspected(key, 0);
          const held = waiting.filter((each) => each.sender === sender && p.has(each.digest));
          const sequence = given === "following" ? Number(following(0n, held)) : given;
          const refused = admit(p, inspected(key, sequence, tip, { padding }));
          if (refused.ok) waiting.push(inspected(key, sequence, tip, { padding }));
          if (refused.ok || refused.minimumTip === undefined) continue;
          const below = inspected(key, sequence, refused.minimumTip - 1n, { padding });
          if (!p.has(below.digest)) expect(admit(p, below).ok).toBe(false);
          const paying = inspected(key, sequence, refused.minimumTip, { padding });
          expect(admit(p, paying).ok).toBe(true);
          waiting.push(paying);
          paid++;
        }
      }),
      { numRuns: 200 },
    );
    expect(paid).toBeGreaterThan(100);
  });

  test("one who pays most cannot push another below its fair share", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }), (others) => {
        const limits = { transactions: 24, senderTransactions: 24, sequenceWindow: 64n };
        const p = pool(limits);
        const senders = others.map((count, key) => {
          for (let n = 0; n < count; n++) admit(p, inspected(key + 1, n, 100n));
          return inspected(key + 1, 0).sender;
        });
        for (let n = 0; n < 40; n++) admit(p, inspected(99, n, 1_000_000n));
        const share = fairShare(24, others.length + 1);
        for (const [i, sender] of senders.entries()) {
          expect(p.heldBy(sender)).toBeGreaterThanOrEqual(Math.min(others[i]!, share));
        }
        expect(p.size).toBe(24);
      }),
    );
  });
});
