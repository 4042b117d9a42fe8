import { invariant, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { rational, sampleSeats, shardSeed, toNumber } from "@soma/sampling";
import { describe, expect, test } from "vitest";
import { covers, weighedEstimate } from "./estimate.ts";
import { headsTail, seatsTail } from "./exact-studies.ts";
import { rosterOf } from "./rosters.ts";
import { type DrawCase, merge, simulate } from "./simulate.ts";

const THIRD = rational(1n, 3n);
const plain: DrawCase = {
  name: "test",
  rule: "seats",
  distribution: "zipf",
  encoders: 30,
  share: THIRD,
  seats: 12,
  tilt: 1,
  attempts: 2,
  threshold: 5,
};

describe("simulated draws", () => {
  test("count what the ledger's own draw gives for the same seeds", () => {
    const roster = rosterOf("zipf", 30, THIRD);
    invariant(roster.ok, "a roster");
    const counts = Array.from({ length: 13 }, () => 0);
    const jobs = [0, 0, 0];
    for (let job = 3; job < 43; job++) {
      let hits = 0;
      for (const attempt of [0, 1]) {
        const seed = shardSeed(
          "sim",
          sha256(utf8("soma sim security 7 test")),
          sha256(utf8(`job ${job}`)),
          attempt,
        );
        const drawn = sampleSeats(seed, roster.value.candidates, 12);
        invariant(drawn.ok, "a draw");
        const k = drawn.value.filter((i) => roster.value.isDishonest[i]).length;
        counts[k]! += 1;
        if (k >= 5) hits += 1;
      }
      jobs[hits]! += 1;
    }
    const tally = simulate({ seed: 7, draw: plain, from: 3, count: 40 });
    expect(tally.counts).toEqual(counts);
    expect(tally.weights).toEqual(counts);
    expect(tally.jobs).toEqual(jobs);
  });

  test("parts add up to the whole", () => {
    const parts = [
      simulate({ seed: 1, draw: plain, from: 0, count: 30 }),
      simulate({ seed: 1, draw: plain, from: 30, count: 20 }),
    ];
    expect(merge(parts)).toEqual(simulate({ seed: 1, draw: plain, from: 0, count: 50 }));
  });

  test("a tilted draw of seats weighs (p/q)^k ((1-p)/(1-q))^(n-k)", () => {
    const draw = { ...plain, distribution: "equal", tilt: 4 } as const;
    const { counts, weights } = simulate({ seed: 1, draw, from: 0, count: 200 });
    // A third times four against two thirds: two thirds.
    for (const [k, count] of counts.entries()) {
      expect(weights[k]).toBeCloseTo(count * (1 / 2) ** k * 2 ** (12 - k), 8);
    }
  });

  test("a tilted draw without replacement weighs each step by what is left", () => {
    // Two draws of four equal encoders, one of them dishonest and tilted by three.
    const draw: DrawCase = {
      ...plain,
      rule: "heads",
      distribution: "equal",
      encoders: 4,
      seats: 2,
      tilt: 3,
      attempts: 1,
    };
    const { counts, weights } = simulate({ seed: 1, draw, from: 0, count: 400 });
    // Both honest: (1/4 : 1/6) (1/3 : 1/5). Dishonest first, then any: (1/4 : 3/6) (1/3 : 1/3); second: (1/4 : 1/6) (1/3 : 3/5).
    expect(weights[0]).toBeCloseTo(counts[0]! * 1.5 * (5 / 3), 8);
    const mean = weights[1]! / counts[1]!;
    expect(mean > 0.5 && mean < 1.5 * (5 / 9)).toBe(true);
  });

  test.each([
    ["seats", 0.5, seatsTail(12, rational(10n, 30n), 11)],
    ["heads", 0.5, headsTail(30, 10, 12, 9)],
  ] as const)("tilted %s reach what plain draws do not", (rule, least, exact) => {
    const threshold = rule === "seats" ? 11 : 9;
    const draw = {
      ...plain,
      rule,
      distribution: "equal",
      tilt: rule === "seats" ? 14 : 8,
      attempts: 1,
    } as const;
    const found = weighedEstimate(simulate({ seed: 5, draw, from: 0, count: 2000 }), threshold);
    expect(toNumber(exact)).toBeLessThan(2e-4);
    expect(covers(found, toNumber(exact))).toBe(true);
    expect((found.high - found.low) / found.value).toBeLessThan(least);
  });
});
