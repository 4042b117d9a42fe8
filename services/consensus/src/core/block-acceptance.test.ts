import { describe, expect, test } from "vitest";
import { BlockAcceptance } from "./block-acceptance.ts";
import { CONSENSUS_BOUNDS } from "./bounds.ts";
import { type DagBlock, DagStore } from "./dag-store.ts";
import { CONSENSUS_RULES } from "./rules.ts";
import { blockOf, fullRounds, refOf } from "./testing/blocks.ts";

const genesis = [0, 1, 2, 3].map((author) => refOf(author, 0));

function acceptance(suspendedPerAuthor = 8) {
  const dag = new DagStore();
  for (const { author } of genesis) dag.insert(blockOf(author, 0, []));
  const bounds = { ...CONSENSUS_BOUNDS, suspendedPerAuthor };
  return { dag, acceptance: new BlockAcceptance(dag, CONSENSUS_RULES, bounds) };
}

describe("CONS-11", () => {
  test("blocks in reverse order are all accepted once the first one comes, in a causal order", () => {
    const { dag, acceptance: taking } = acceptance(50);
    const accepted: DagBlock[] = [];
    const blocks = fullRounds(4, 6, genesis);
    for (const block of blocks.slice(1).reverse()) taking.receive(block, accepted);
    expect(taking.missing()).toEqual([refOf(0, 1)]);
    expect(taking.receive(blocks[0]!, accepted)).toBe("accepted");
    expect(accepted).toHaveLength(24);
    const seen = new Set(genesis.map(({ digest }) => digest));
    for (const { ref, lists } of accepted) {
      for (const digest of lists) expect(seen.has(digest)).toBe(true);
      seen.add(ref.digest);
    }
    expect(taking.sizes).toEqual({ suspended: 0, missing: 0 });
    expect(dag.highestRound).toBe(6);
  });

  test("both blocks of a slot are taken, and a missing one is asked for by its digest", () => {
    const { acceptance: taking } = acceptance();
    const one = blockOf(0, 1, genesis);
    const two = blockOf(0, 1, genesis, { variant: 1 });
    expect(taking.receive(one, [])).toBe("accepted");
    expect(taking.receive(blockOf(1, 2, [refOf(1, 1), two.ref]), [])).toBe("suspended");
    expect(taking.missing()).toContainEqual(two.ref);
    expect(taking.twin(two.ref)).toBe(one);
    expect(taking.receive(two, [])).toBe("accepted");
  });

  test("an author's suspended blocks are bounded; lower rounds stay", () => {
    const { acceptance: taking } = acceptance(3);
    for (const round of [9, 12, 10]) {
      expect(taking.receive(blockOf(3, round, [refOf(3, round - 1)]), [])).toBe("suspended");
    }
    expect(taking.receive(blockOf(3, 20, [refOf(3, 19)]), [])).toBe("refused");
    expect(taking.receive(blockOf(3, 5, [refOf(3, 4)]), [])).toBe("suspended");
    expect(taking.newestSuspended(3)?.ref.round).toBe(10);
    expect(taking.sizes).toEqual({ suspended: 3, missing: 3 });
    expect(taking.receive(blockOf(2, 20, [refOf(2, 19)]), [])).toBe("suspended");
  });

  test("what lies at or below the gc round is dropped, and frees what waited for it", () => {
    const { acceptance: taking } = acceptance();
    const waits = blockOf(1, 6, [refOf(1, 5), refOf(0, 3)]);
    taking.receive(blockOf(2, 4, [refOf(2, 3)]), []);
    taking.receive(waits, []);
    const accepted: DagBlock[] = [];
    taking.collect(4, accepted);
    expect(accepted).toEqual([]);
    expect(taking.missing()).toEqual([refOf(1, 5)]);
    taking.collect(5, accepted);
    expect(accepted.map(({ block }) => block)).toEqual([waits]);
    expect(taking.receive(blockOf(0, 5, []), [])).toBe("collected");
    expect(taking.sizes).toEqual({ suspended: 0, missing: 0 });
  });
});
