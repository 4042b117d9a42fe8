import { expect, test } from "vitest";
import { NETWORK_MUTANTS } from "./mutants.ts";
import { sweep } from "./sweep.ts";

/** Seeds that a mutant may live through before it counts as not told. */
const SEEDS = 40;

test(`${NETWORK_MUTANTS.length} mutants of the rules are each told by a seed`, async () => {
  const killers = new Map<string, string>();
  const tried = new Map<string, number>();
  await sweep(
    () => {
      for (const { name } of NETWORK_MUTANTS) {
        const seed = tried.get(name) ?? 0;
        if (killers.has(name) || seed >= SEEDS) continue;
        tried.set(name, seed + 1);
        return { options: { seed }, mutant: name };
      }
      return null;
    },
    {
      onAnswer: ({ seed, verdict }, { mutant }) => {
        if (mutant === undefined || verdict.kind === "pass" || killers.has(mutant)) return;
        killers.set(mutant, `seed ${seed}: ${verdict.kind}, ${verdict.reason.split("\n")[0]}`);
      },
    },
  );
  for (const { rule, name } of NETWORK_MUTANTS) {
    console.log(`${rule.padEnd(9)} ${name.padEnd(44)} ${killers.get(name) ?? "survives"}`);
  }
  expect(NETWORK_MUTANTS.filter(({ name }) => !killers.has(name)).map(({ name }) => name)).toEqual([]);
  expect(NETWORK_MUTANTS.length).toBeGreaterThanOrEqual(20);
});
