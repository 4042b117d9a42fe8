import { createHash } from "node:crypto";
import { fromHex, toHex } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, MAX_DRAWS, sampleSeats, sampleWeighted } from "./weighted-sampler.ts";

const SEED = fromHex("95833e9a6c9cbae5c6b46b8916a02cf04561ac21b237d0ef3b6d4929bd1c4a91");
const IDS =
  "122c5970 d0f631ca 9c0abe51 7c1c97df 0012a3fa d0bf3e6e 6db53c9d f28d5b0d 7ed6a837 95144b44 1f311134 f4baf901";
const candidates = IDS.split(" ").map((id, i) => ({
  id,
  stake: i % 5 === 4 ? 0n : BigInt(i * 7919 + 13) ** 3n,
}));

/** SAMPLE-1 and SAMPLE-2 word for word: a linear walk over the sorted candidates. */
function walk(seed: Uint8Array, all: readonly Candidate[], draws: number, removing: boolean): number[] {
  const left = all
    .map((candidate, index) => ({ ...candidate, index }))
    .filter(({ stake }) => stake > 0n)
    .sort((a, b) => Buffer.compare(Buffer.from(a.id, "hex"), Buffer.from(b.id, "hex")));
  const drawn: number[] = [];
  for (let d = 0; d < draws && left.length > 0; d++) {
    const total = left.reduce((sum, { stake }) => sum + stake, 0n);
    const limit = (2n ** 256n / total) * total;
    const counters = Buffer.alloc(8);
    counters.writeUInt32BE(d);
    let r = limit;
    for (let a = 0; r >= limit; a++) {
      counters.writeUInt32BE(a, 4);
      r = BigInt(`0x${createHash("sha256").update(seed).update(counters).digest("hex")}`);
    }
    let rest = r % total;
    let at = 0;
    while (rest >= left[at]!.stake) rest -= left[at++]!.stake;
    drawn.push(left[at]!.index);
    if (removing) left.splice(at, 1);
  }
  return drawn;
}

function value<T>(result: { ok: true; value: T } | { ok: false; code: string; message: string }): T {
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

describe("SAMPLE-1 and SAMPLE-2", () => {
  // Expected values from a Python implementation of the same text.
  test("golden draws", () => {
    expect(value(sampleWeighted(SEED, candidates, 5))).toEqual([11, 8, 10, 7, 6]);
    expect(value(sampleWeighted(SEED, candidates, 20))).toEqual([11, 8, 10, 7, 6, 3, 5, 2, 1, 0]);
    expect(value(sampleSeats(SEED, candidates, 16))).toEqual([
      11, 11, 11, 10, 6, 11, 11, 11, 8, 8, 8, 11, 11, 5, 10, 8,
    ]);
  });

  test("stakes near 2^256, where every fourth attempt is refused", () => {
    const big = [
      { id: "aa", stake: 2n ** 255n },
      { id: "bb", stake: 2n ** 254n + 12345n },
      { id: "cc", stake: 2n ** 200n },
    ];
    expect(value(sampleSeats(SEED, big, 24))).toEqual([
      0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0,
    ]);
    expect(value(sampleWeighted(SEED, big, 3))).toEqual([0, 1, 2]);
  });

  const anyCandidates = fc
    .uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 3 }), { maxLength: 40, selector: toHex })
    .chain((ids) =>
      fc.tuple(
        ...ids.map((id) =>
          fc.record({
            id: fc.constant(toHex(id)),
            stake: fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(0n, 10n ** 18n)),
          }),
        ),
      ),
    );

  test("equals the walk as the rule states it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), anyCandidates, fc.nat(50), (seed, all, n) => {
        expect(value(sampleWeighted(seed, all, n))).toEqual(walk(seed, all, n, true));
        const staked = all.some(({ stake }) => stake > 0n);
        const seats = sampleSeats(seed, all, n);
        if (staked || n === 0) expect(value(seats)).toEqual(walk(seed, all, n, false));
        else expect(seats).toMatchObject({ ok: false, code: "SAMPLE_NO_STAKE" });
      }),
    );
  });

  test("does not depend on the order of the array, never draws twice or without stake", () => {
    fc.assert(
      fc.property(fc.uint8Array(), anyCandidates, (seed, all) => {
        const reversed = [...all].reverse();
        const drawn = value(sampleWeighted(seed, all, 10)).map((i) => all[i]!);
        expect(value(sampleWeighted(seed, reversed, 10)).map((i) => reversed[i]!)).toEqual(drawn);
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.every(({ stake }) => stake > 0n)).toBe(true);
      }),
    );
  });

  test("seats go by stake: a tenth of it holds about a tenth of 20 000 seats", () => {
    const two = [
      { id: "01", stake: 9_000n },
      { id: "02", stake: 1_000n },
    ];
    const small = value(sampleSeats(SEED, two, 20_000)).filter((i) => i === 1).length;
    // Five standard deviations of Bin(20000, 1/10) are 212.
    expect(Math.abs(small - 2_000)).toBeLessThan(212);
  });

  test.each([
    [
      "SAMPLE_ID_DUPLICATE",
      [
        { id: "aa", stake: 1n },
        { id: "aa", stake: 0n },
      ],
      1,
    ],
    ["SAMPLE_ID_MALFORMED", [{ id: "AA", stake: 1n }], 1],
    ["SAMPLE_ID_MALFORMED", [{ id: "a", stake: 1n }], 1],
    ["SAMPLE_ID_MALFORMED", [{ id: "", stake: 1n }], 1],
    ["SAMPLE_STAKE_NEGATIVE", [{ id: "aa", stake: -1n }], 1],
    [
      "SAMPLE_STAKE_TOO_LARGE",
      [
        { id: "aa", stake: 2n ** 256n },
        { id: "ab", stake: 1n },
      ],
      1,
    ],
    ["SAMPLE_COUNT_INVALID", [{ id: "aa", stake: 1n }], -1],
    ["SAMPLE_COUNT_INVALID", [{ id: "aa", stake: 1n }], 1.5],
    ["SAMPLE_COUNT_INVALID", [{ id: "aa", stake: 1n }], MAX_DRAWS + 1],
    ["SAMPLE_COUNT_INVALID", [{ id: "aa", stake: 1n }], Number.NaN],
  ])("refuses with %s", (code, all, n) => {
    expect(sampleWeighted(SEED, all, n)).toMatchObject({ ok: false, code });
    expect(sampleSeats(SEED, all, n)).toMatchObject({ ok: false, code });
  });

  test("a full draw of ten thousand takes well under a second", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      id: i.toString(16).padStart(8, "0"),
      stake: BigInt(i + 1),
    }));
    const start = performance.now();
    expect(new Set(value(sampleWeighted(SEED, many, 10_000))).size).toBe(10_000);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
