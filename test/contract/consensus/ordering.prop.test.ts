import { Rng } from "@soma/base";
import {
  type ConsensusRules,
  type DecideOutput,
  decide,
  type ScenarioBlock,
  ScenarioRun,
  scenarioBlocks,
} from "@soma/consensus/core";
import { describe, expect, test } from "vitest";
import { naiveDecide } from "./naive-engine.ts";
import { type RandomDag, randomDag, randomView } from "./random-dag.ts";

const SEEDS = Number(process.env.SOMA_DAGS ?? 400);

function input(dag: RandomDag, blocks: readonly ScenarioBlock[]) {
  return { stakes: dag.stakes, gcDepth: dag.gcDepth, schedule: {}, blocks, upToRound: 1000 };
}

function production(dag: RandomDag, blocks: readonly ScenarioBlock[], rules?: ConsensusRules): DecideOutput {
  const decided = decide(input(dag, blocks), rules);
  if (!decided.ok) throw new Error(decided.message);
  return decided.value;
}

/** The same blocks in an order that is not causal, deciding after each. */
function shuffled(dag: RandomDag, blocks: readonly ScenarioBlock[], rng: Rng): DecideOutput {
  const opened = scenarioBlocks(input(dag, blocks));
  if (!opened.ok) throw new Error(opened.message);
  const run = new ScenarioRun(dag.stakes.map(BigInt), dag.gcDepth);
  for (const block of rng.shuffle(opened.value)) {
    run.receive(block);
    run.advance();
  }
  return run.output();
}

describe("CONS-3 to CONS-6 on random DAGs with equivocators below a third", () => {
  test(`${SEEDS} DAGs: the definition, any order, and every partial view agree`, () => {
    let [views, commits, indirect, skips, equivocations] = [0, 0, 0, 0, 0];
    for (let seed = 0; seed < SEEDS; seed++) {
      const rng = new Rng(seed);
      const dag = randomDag(rng);
      equivocations += dag.equivocations;
      const whole = production(dag, dag.blocks);
      for (let v = 0; v < 6; v++) {
        const blocks = v === 0 ? dag.blocks : randomView(dag, rng);
        const view = production(dag, blocks);
        const message = `seed ${seed}, view ${v}`;
        expect(view, message).toEqual(naiveDecide({ ...dag, blocks }));
        expect(shuffled(dag, blocks, rng).commits, message).toEqual(view.commits);
        expect(whole.commits.slice(0, view.commits.length), message).toEqual(view.commits);
        views += 1;
        commits += view.commits.length;
        for (const { status, via } of Object.values(view.decisions)) {
          if (via === "indirect") indirect += 1;
          if (status === "skip") skips += 1;
        }
      }
    }
    console.log({ dags: SEEDS, views, commits, indirect, skips, equivocations });
    for (const count of [commits, indirect, skips, equivocations]) expect(count).toBeGreaterThan(0);
  });
});
