import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { composite, doubledRanks, tieLot } from "./composite.ts";
import { performanceSlashing } from "./performance.ts";

describe("doubledRanks (SCORE-1)", () => {
  it.each([
    [[30, 10, 20], [], [6, 2, 4]],
    [[5, 5, 1], [], [5, 5, 2]], // places 2 and 3: 2.5 doubled
    [[7n, 7n, 7n], [], [4, 4, 4]],
    [
      [1, 2, 3, 4],
      [true, false, true, false],
      [7, 2, 7, 4],
    ],
  ])("case %#", (values, last, ranks) => {
    expect(doubledRanks(values, last)).toEqual(ranks);
  });

  it("add up to n(n+1) whatever is tied", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean()), { minLength: 1 }), (entries) => {
        const ranks = doubledRanks(
          entries.map(([x]) => x),
          entries.map(([, l]) => l),
        );
        expect(ranks.reduce((a, b) => a + b)).toBe(entries.length * (entries.length + 1));
      }),
    );
  });
});

describe("composite (SCORE-1)", () => {
  it("weighs the three ranks and picks by loss and factor", () => {
    const got = composite({ loss: [0.1, 0.2, 0.3], lof: [1.2, 1.0, 1.1], latency: [30, 20, 10] });
    // Ranks 2 4 6; 6 2 4; 6 4 2. Winner by 7 l + 3 f: 32, 34, 54.
    expect(got).toEqual({
      ok: true,
      value: {
        loss: [2, 4, 6],
        lof: [6, 2, 4],
        latency: [6, 4, 2],
        composite: [36_000, 35_000, 49_000],
        percentilePpm: [500_000, 166_666, 833_333],
        winner: 0,
      },
    });
  });

  it("passes over the disqualified and has no winner without a qualified one", () => {
    const base = { loss: [1, 2], lof: [1, 1], latency: [1, 2] };
    expect(composite({ ...base, last: [true, false] })).toMatchObject({ value: { winner: 1, loss: [4, 2] } });
    expect(composite({ ...base, last: [true, true] })).toMatchObject({ value: { winner: null } });
  });

  it("breaks ties by lot", () => {
    const base = { loss: [1, 1], lof: [1, 1], latency: [1, 2] };
    expect(composite({ ...base, lots: ["bb", "aa"] })).toMatchObject({ value: { winner: 1 } });
    expect(composite({ ...base, lots: ["aa", "bb"] })).toMatchObject({ value: { winner: 0 } });
    const seed = new Uint8Array(32);
    expect(tieLot("test", seed, "00")).not.toBe(tieLot("test", seed, "01"));
    expect(tieLot("test", seed, "00")).not.toBe(tieLot("other", seed, "00"));
  });

  it.each([
    [{ loss: [], lof: [], latency: [] }, "SCORE_COUNT"],
    [{ loss: [1], lof: [1, 2], latency: [1] }, "SCORE_COUNT"],
    [{ loss: [1], lof: [Number.NaN], latency: [1] }, "SCORE_NOT_FINITE"],
    [{ loss: [1], lof: [1], latency: [1], lots: ["zz"] }, "SCORE_LOT"],
  ])("refuses %j", (input, code) => {
    expect(composite(input)).toMatchObject({ ok: false, code });
  });
});

describe("performanceSlashing (SCORE-2)", () => {
  const id = (n: number) => n.toString(16).padStart(64, "0");
  const slash = (means: number[], jobs = 20, minimumJobs = 20) => {
    const records = means.map((mean, i) => ({ id: id(i), jobs, percentileSumPpm: BigInt(mean * jobs) }));
    const result = performanceSlashing({
      chainId: "test",
      epochSeed: new Uint8Array(32),
      records,
      minimumJobs,
    });
    if (!result.ok) throw new Error(result.code);
    return result.value.map((name) => Number.parseInt(name, 16));
  };

  it.each([
    ["the worst of four", [1, 2, 3, 9], [3]],
    ["nobody of three", [1, 2, 9], []],
    ["nobody when all are equal", [5, 5, 5, 5], []],
    ["one of nineteen", Array.from({ length: 19 }, (_, i) => i), [18]],
    ["two of twenty, the worst first", Array.from({ length: 20 }, (_, i) => i), [19, 18]],
    ["only those above the median", [...new Array<number>(19).fill(7), 8], [19]],
  ])("takes %s", (_, means, slashed) => {
    expect(slash(means)).toEqual(slashed);
  });

  it("judges only those with enough jobs", () => {
    expect(slash([1, 2, 3, 9], 19)).toEqual([]);
  });

  it("compares means, not sums", () => {
    const records = [
      { id: id(1), jobs: 20, percentileSumPpm: 20n * 900_000n },
      { id: id(2), jobs: 200, percentileSumPpm: 200n * 400_000n },
      { id: id(3), jobs: 200, percentileSumPpm: 200n * 400_000n },
      { id: id(4), jobs: 200, percentileSumPpm: 200n * 400_000n },
    ];
    expect(performanceSlashing({ chainId: "test", epochSeed: new Uint8Array(32), records })).toEqual({
      ok: true,
      value: [id(1)],
    });
  });

  it("takes one of two tied for the last place, by lot", () => {
    expect([[3], [4]]).toContainEqual(slash([1, 2, 3, 9, 9]));
    const records = [{ id: "ab", jobs: -1, percentileSumPpm: 0n }];
    expect(performanceSlashing({ chainId: "test", epochSeed: new Uint8Array(32), records })).toMatchObject({
      ok: false,
      code: "SCORE_RECORD",
    });
  });
});
