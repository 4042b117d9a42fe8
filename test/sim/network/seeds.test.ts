import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { addCoverage, noNetworkCoverage } from "./coverage.ts";
import { seedTasks, sweep, THREADS } from "./sweep.ts";
import type { SweepAnswer } from "./sweep-worker.ts";

const FIRST = Number(process.env.SOMA_SEED ?? 0);
const COUNT = Number(process.env.SOMA_SIM_SEEDS ?? 200);
/** Seeds that failed once, each with what was wrong: they run first, always. */
const FIXTURES: readonly { readonly seed: number; readonly failed: string }[] = JSON.parse(
  readFileSync(new URL("./fixtures.json", import.meta.url), "utf8"),
);

async function runSeeds(seeds: readonly number[], threads = THREADS): Promise<SweepAnswer[]> {
  const answers = new Map<number, SweepAnswer>();
  await sweep(seedTasks(seeds), {
    threads,
    onAnswer: (answer) => {
      answers.set(answer.seed, answer);
      if (answer.verdict.kind !== "pass") console.log(answer.failure);
      if (answers.size % 25 === 0) console.log(`${answers.size} of ${seeds.length} seeds`);
    },
  });
  return seeds.map((seed) => answers.get(seed)!);
}

describe("the whole network in virtual time", () => {
  test(`past failures, then ${COUNT} seeds from ${FIRST}: no two truths, no money made or lost, every job ended`, async () => {
    const started = performance.now();
    const searched = Array.from({ length: COUNT }, (_, i) => FIRST + i);
    const seeds = [...new Set([...FIXTURES.map(({ seed }) => seed), ...searched])];
    const answers = await runSeeds(seeds);
    const coverage = noNetworkCoverage();
    for (const answer of answers) addCoverage(coverage, answer.coverage);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const commits = answers.reduce((sum, answer) => sum + answer.commits, 0);
    const events = answers.reduce((sum, answer) => sum + answer.events, 0);
    console.log({ seeds: seeds.length, threads: THREADS, seconds, commits, events, ...coverage });
    const failures = answers.filter(({ verdict }) => verdict.kind !== "pass");
    expect(failures.map(({ failure }) => failure.split("\n").slice(0, 2).join("\n")).join("\n")).toBe("");
    // A run that never met a case proves nothing about it.
    if (COUNT >= 200)
      for (const [name, count] of Object.entries(coverage)) expect(count, name).toBeGreaterThan(0);
  });

  test("a seed repeats exactly, on any number of threads", async () => {
    const seeds = [3, 20, 21];
    const tracesOf = async (threads: number) => (await runSeeds(seeds, threads)).map(({ trace }) => trace);
    const first = await tracesOf(1);
    expect(await tracesOf(3)).toEqual(first);
    expect(new Set(first).size).toBe(seeds.length);
  });
});
