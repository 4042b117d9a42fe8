import { compareRational, rational } from "@soma/sampling";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DISTRIBUTIONS, rosterOf } from "./rosters.ts";

const THIRD = rational(1n, 3n);

function sumOf(stakes: readonly bigint[]): bigint {
  return stakes.reduce((sum, stake) => sum + stake, 0n);
}

describe("rosters", () => {
  test("never more dishonest stake than asked for, and as much as the smallest left out allows", () => {
    const share = fc.integer({ min: 1, max: 499 }).map((n) => rational(BigInt(n), 1000n));
    fc.assert(
      fc.property(
        fc.constantFrom(...DISTRIBUTIONS),
        fc.integer({ min: 2, max: 400 }),
        share,
        (distribution, n, asked) => {
          const roster = rosterOf(distribution, n, asked);
          if (!roster.ok) {
            expect(roster.code).toBe("SIM_ROSTER_EMPTY");
            return;
          }
          const { candidates, isDishonest, share: held } = roster.value;
          const stakes = candidates.map(({ stake }) => stake);
          const dishonest = sumOf(stakes.filter((_, i) => isDishonest[i]));
          expect(held).toEqual(rational(dishonest, sumOf(stakes)));
          expect(compareRational(held, asked)).toBeLessThanOrEqual(0);
          if (distribution === "whale") return;
          const next = isDishonest.lastIndexOf(false);
          const more = rational(dishonest + stakes[next]!, sumOf(stakes));
          expect(compareRational(more, asked)).toBeGreaterThan(0);
        },
      ),
    );
  });

  test("a whale has just under a third: one base unit more would be too much", () => {
    const roster = rosterOf("whale", 300, THIRD);
    if (!roster.ok) throw new Error(roster.code);
    const stakes = roster.value.candidates.map(({ stake }) => stake);
    expect(compareRational(roster.value.share, THIRD)).toBeLessThan(0);
    expect(compareRational(rational(stakes[0]! + 1n, sumOf(stakes) + 1n), THIRD)).toBeGreaterThanOrEqual(0);
    expect(roster.value.isDishonest.filter(Boolean)).toHaveLength(1);
  });

  test("Zipf's smallest are many", () => {
    const roster = rosterOf("zipf", 300, THIRD);
    expect(roster.ok && roster.value.isDishonest.filter(Boolean).length).toBeGreaterThan(200);
  });
});
