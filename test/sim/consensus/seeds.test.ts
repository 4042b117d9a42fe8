import { expect, test } from "vitest";
import { simulate, sumCoverage } from "./simulate.ts";

const FIRST = Number(process.env.SOMA_SEED ?? 0);
const COUNT = Number(process.env.SOMA_SEEDS ?? 60);

test(`${COUNT} seeds from ${FIRST}: no two truths, no second signature, and commits once all heals`, () => {
  const results = Array.from({ length: COUNT }, (_, i) => simulate({ seed: FIRST + i }));
  const failures = results.filter(({ verdict }) => verdict.kind !== "pass");
  const coverage = sumCoverage(results);
  console.log({ seeds: COUNT, commits: results.reduce((sum, { commits }) => sum + commits, 0), ...coverage });
  expect(failures.map(({ failure }) => failure).join("\n\n")).toBe("");
  // A run that never met a case proves nothing about it.
  if (COUNT >= 60)
    for (const [name, count] of Object.entries(coverage)) expect(count, name).toBeGreaterThan(0);
});

test("a seed repeats exactly", () => {
  expect(simulate({ seed: 7 })).toEqual(simulate({ seed: 7 }));
});
