import type { BlockRef } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { CONSENSUS_BOUNDS, ConsensusState, genesisRefs, step } from "./index.ts";
import { blockOf, refOf } from "./testing/blocks.ts";
import { epochOf } from "./testing/epoch.ts";
import { type TestInput, timed } from "./testing/timed.ts";
import type { VerifiedBlock } from "./verified-block.ts";

const opened = epochOf([1n, 1n, 1n, 1n], { gcDepth: 60, leaderTimeout: 200, minRoundDelay: 50 });
const ids = opened.info.committee.map(({ validator }) => validator);
const genesis = genesisRefs("test", opened);
/** Of the three others, without this validator's own blocks: a quorum. */
const rounds: VerifiedBlock[] = [];
for (let round = 1; round <= 12; round++) {
  const below = round === 1 ? genesis.slice(1) : rounds.slice(-3).map(({ ref }) => ref);
  rounds.push(
    ...below.map((own) => blockOf(own.author, round, [own, ...below.filter((ref) => ref !== own)])),
  );
}
const FAULTY = 3;

/** A validator of four, whose peer 3 sends whatever it likes. */
function validator() {
  const state = new ConsensusState({ chainId: "test", self: ids[0]!, verifier: { vrf: () => null } });
  const feed = (input: TestInput) => step(state, timed(input)).verdict;
  const signerLog = { status: "intact", last: null, rebuiltIn: null } as const;
  feed({ kind: "recovered", ...opened, last: null, commits: [], blocks: [], signerLog, nowMs: 2_000 });
  const receive = (from: number, ...blocks: VerifiedBlock[]) =>
    feed({ kind: "blocks-received", from: ids[from]!, blocks, nowMs: 2_100 });
  return { state, receive };
}

/** Ancestors of a block of `round` that nobody has, of a quorum. */
function strangers(round: number): BlockRef[] {
  return [FAULTY, 1, 2].map((author) => refOf(author, round - 1, 7_000 + round));
}

/** The others' blocks come as ever, the faulty one's own among them, and the clock goes on. */
function expectProgress({ state, receive }: ReturnType<typeof validator>): void {
  for (const block of rounds) expect(receive(block.ref.author, block)).toEqual({ kind: "accept" });
  expect(state.round).toBe(13);
}

describe("CONS-11: a peer that sends without end", () => {
  test("future rounds is refused each time, holds no memory, and delays nobody", () => {
    const node = validator();
    const before = node.state.sizes();
    for (let i = 0; i < 2_000; i++) {
      const round = CONSENSUS_BOUNDS.futureRounds + 2 + i;
      const verdict = node.receive(FAULTY, blockOf(FAULTY, round, strangers(round)));
      expect(verdict).toEqual({ kind: "reject", code: "CONSENSUS_BLOCK_FUTURE" });
    }
    expect(node.state.sizes()).toEqual(before);
    expectProgress(node);
  });

  test("blocks with unknown ancestors has its share and no more, and delays nobody", () => {
    const node = validator();
    const verdicts = new Map<string, number>();
    const share = CONSENSUS_BOUNDS.suspendedPerAuthor;
    for (let i = 0; i < 2_000; i++) {
      const verdict = node.receive(FAULTY, blockOf(FAULTY, 20 + i, strangers(20 + i)));
      const name = verdict.kind === "reject" ? verdict.code : verdict.kind;
      verdicts.set(name, (verdicts.get(name) ?? 0) + 1);
    }
    expect(Object.fromEntries(verdicts)).toEqual({
      accept: share,
      CONSENSUS_BLOCK_CROWDED: 2_000 - share,
    });
    const sizes = node.state.sizes() as Record<string, number>;
    expect(sizes["suspended"]).toBe(share);
    expect(sizes["missing"]).toBeLessThanOrEqual(3 * share);
    expectProgress(node);
  });

  test("a batch of which one block is of use is taken", () => {
    const node = validator();
    const [first] = rounds.filter(({ ref }) => ref.author === 1 && ref.round === 1);
    const far = blockOf(FAULTY, 20_000, strangers(20_000));
    expect(node.receive(1, far, first!)).toEqual({ kind: "accept" });
    expect(node.receive(1, far)).toEqual({ kind: "reject", code: "CONSENSUS_BLOCK_FUTURE" });
  });
});
