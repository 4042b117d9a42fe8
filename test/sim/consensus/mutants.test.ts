import { readFileSync } from "node:fs";
import { Rng } from "@soma/base";
import { CONSENSUS_RULES, type ConsensusRules, type DecideInput, decide } from "@soma/consensus/core";
import { describe, expect, test } from "vitest";
import { naiveDecide } from "../../contract/consensus/naive-engine.ts";
import { randomDag, randomView } from "../../contract/consensus/random-dag.ts";
import { MUTANTS, type Mutant, rulesOf } from "./mutants.ts";
import { simulate } from "./simulate.ts";

const DAGS = 400;
const SEEDS = 200;

const vectors = readFileSync(new URL("../../vectors/consensus.ndjson", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line): { id: string; fn: string; input: DecideInput; expect: unknown } => JSON.parse(line))
  .filter(({ fn }) => fn === "consensus.decide");

/** What a core under these rules says, or that it stops. */
function verdictOf(input: DecideInput, rules: ConsensusRules): string {
  try {
    return JSON.stringify(sorted(decide(input, rules)));
  } catch (error) {
    return String(error);
  }
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => [name, sorted(entry)]),
  );
}

function killedByVector(rules: ConsensusRules): string | null {
  const killer = vectors.find(
    ({ input, expect: want }) =>
      verdictOf(input, rules) !== JSON.stringify(sorted({ ok: true, value: want })),
  );
  return killer === undefined ? null : `vector ${killer.id}`;
}

function killedByDag(rules: ConsensusRules): string | null {
  for (let seed = 0; seed < DAGS; seed++) {
    const rng = new Rng(seed);
    const dag = randomDag(rng);
    for (let view = 0; view < 3; view++) {
      const blocks = view === 0 ? dag.blocks : randomView(dag, rng);
      const input = { ...dag, blocks, schedule: {}, upToRound: 1_000 };
      const want = JSON.stringify(sorted({ ok: true, value: naiveDecide(input) }));
      if (verdictOf(input, rules) !== want) return `DAG seed ${seed}, view ${view}`;
    }
  }
  return null;
}

function killedBySeed(mutant: Mutant): string | null {
  for (let i = 0; i < SEEDS; i++) {
    const seed = (i + (mutant.searchFrom ?? 0)) % SEEDS;
    const { verdict } = simulate({ seed, rules: (nowMs) => rulesOf(mutant, nowMs), ...mutant.shell });
    if (verdict.kind !== "pass") return `simulation seed ${seed}: ${verdict.kind}, ${verdict.reason}`;
  }
  return null;
}

describe("every mutant of the rules is killed", () => {
  test.each(MUTANTS.map((mutant) => [mutant.rule, mutant.name, mutant] as const))(
    "%s %s",
    (rule, name, mutant) => {
      const rules = rulesOf(mutant, () => 0);
      const killer = killedByVector(rules) ?? killedByDag(rules) ?? killedBySeed(mutant);
      console.log(`${rule.padEnd(8)} ${name.padEnd(48)} ${killer ?? "survives"}`);
      expect(killer, "no vector, DAG or seed tells this mutant from the rules").not.toBeNull();
    },
  );

  test("and the rules themselves are not", () => {
    expect(killedByVector(CONSENSUS_RULES)).toBeNull();
    expect(killedByDag(CONSENSUS_RULES)).toBeNull();
  });
});
