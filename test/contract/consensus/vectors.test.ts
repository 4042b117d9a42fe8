import { readFileSync } from "node:fs";
import { Rng } from "@soma/base";
import {
  checkBlock,
  clockRounds,
  type DecideInput,
  type DecideOutput,
  decide,
  quorum,
  ScenarioRun,
  scenarioBlocks,
  type VerifiedBlock,
} from "@soma/consensus/core";
import { describe, expect, test } from "vitest";

interface Vector {
  id: string;
  fn: string;
  input: never;
  expect: unknown;
}

const vectors = readFileSync(new URL("../../vectors/consensus.ndjson", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line): Vector => JSON.parse(line));
const of = (fn: string) => vectors.filter((vector) => vector.fn === fn);

function blocksOf(input: DecideInput): VerifiedBlock[] {
  const blocks = scenarioBlocks(input);
  if (!blocks.ok) throw new Error(blocks.message);
  return blocks.value;
}

const stakesOf = (input: DecideInput) => input.stakes.map(BigInt);

/** A causal order other than the given one. */
function causalShuffle(blocks: readonly VerifiedBlock[], rng: Rng): VerifiedBlock[] {
  const waiting = new Set(blocks);
  const present = new Set<string>();
  const known = new Set(blocks.map(({ ref }) => ref.digest));
  const out: VerifiedBlock[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(({ body }) =>
      body.ancestors.every(({ digest }) => present.has(digest) || !known.has(digest)),
    );
    const next = rng.pick(ready);
    waiting.delete(next);
    present.add(next.ref.digest);
    out.push(next);
  }
  return out;
}

/** Feeds a list of blocks to a process each, one after the other. */
function runs(input: DecideInput, lives: readonly (readonly VerifiedBlock[])[]): DecideOutput {
  let scenario: ScenarioRun | undefined;
  for (const blocks of lives) {
    scenario = new ScenarioRun(stakesOf(input), input.gcDepth, undefined, scenario);
    for (const block of blocks) {
      scenario.receive(block);
      scenario.advance();
    }
    scenario.advance();
  }
  return scenario!.output();
}

const run = (input: DecideInput, blocks: readonly VerifiedBlock[]) => runs(input, [blocks]);

function halves<T>(items: readonly T[], rng: Rng): [T[], T[]] {
  const cut = rng.below(items.length + 1);
  return [items.slice(0, cut), items.slice(cut)];
}

describe("CONS-3 to CONS-6 on the DAG scenarios", () => {
  test.each(of("consensus.decide").map(({ id, input, expect: want }) => [id, input as DecideInput, want]))(
    "%s",
    (_, input, want) => {
      const blocks = blocksOf(input as DecideInput);
      const phase = input as DecideInput;
      // One shot: the function of the conformance command itself.
      expect(decide(phase)).toEqual({ ok: true, value: want });
      for (let seed = 0; seed < 20; seed++) {
        const rng = new Rng(seed);
        expect(run(phase, causalShuffle(blocks, rng)), `random order, seed ${seed}`).toEqual(want);
        // Out of order: blocks are suspended until their ancestors come.
        expect(run(phase, rng.shuffle(blocks)), `out of order, seed ${seed}`).toEqual(want);
        // A restart in between: the second process starts from what the first one stored.
        const [early, late] = halves(causalShuffle(blocks, rng), rng);
        expect(runs(phase, [early, late]), `restart, seed ${seed}`).toEqual(want);
        // Blocks that come again change nothing.
        expect(run(phase, [...blocks, ...rng.shuffle(blocks)]), `twice, seed ${seed}`).toEqual(want);
      }
    },
  );
});

test.each(of("consensus.verifyBlock").map(({ id, input, expect: want }) => [id, input, want] as const))(
  "CONS-2 %s",
  (_, input, want) => expect(checkBlock(input)).toEqual({ ok: true, value: want }),
);

test.each(of("consensus.clock").map(({ id, input, expect: want }) => [id, input, want] as const))(
  "CONS-7 %s",
  (_, input, want) => expect(clockRounds(input)).toEqual({ ok: true, value: want }),
);

test.each([
  [1, 1],
  [3, 3],
  [4, 3],
  [5, 4],
  [7, 5],
  [10_000, 6_667],
  ["1000000000000000000000", "666666666666666666667"],
])("CONS-1: quorum of %s is %s", (total, want) => {
  expect(quorum({ total })).toEqual({ ok: true, value: { quorum: want } });
});

describe("refused input", () => {
  const phase = of("consensus.decide")[0]!.input as DecideInput;
  test.each([
    ["no validators", { ...phase, stakes: [] }],
    ["a negative stake", { ...phase, stakes: [1, -1, 1, 1] }],
    ["a stake that is no integer", { ...phase, stakes: [1, Number.NaN, 1, 1] }],
    ["an unknown ancestor", { ...phase, blocks: [{ ...phase.blocks[0]!, ancestors: ["Z9"] }] }],
    ["a block twice", { ...phase, blocks: [phase.blocks[0]!, phase.blocks[0]!] }],
    ["an author outside the committee", { ...phase, blocks: [{ ...phase.blocks[0]!, author: 4 }] }],
    ["a gc depth of 0", { ...phase, gcDepth: 0 }],
  ])("%s", (_, input) => expect(decide(input)).toMatchObject({ ok: false, code: "CONFORMANCE_INPUT" }));
});
