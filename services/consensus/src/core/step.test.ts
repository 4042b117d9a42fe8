import { describe, expect, test } from "vitest";
import { type ConsensusEffect, ConsensusState, genesisRefs, step } from "./index.ts";
import type { SignerLog } from "./input.ts";
import { blockOf, fullRounds } from "./testing/blocks.ts";
import { epochOf } from "./testing/epoch.ts";
import { type TestInput, timed } from "./testing/timed.ts";

const opened = epochOf([1n, 1n, 1n, 1n], { gcDepth: 5, leaderTimeout: 200, minRoundDelay: 50 });
const ids = opened.info.committee.map(({ validator }) => validator);
const genesis = genesisRefs("test", opened);
const rounds = fullRounds(4, 12, genesis);
const upTo = (round: number, ...authors: number[]) =>
  rounds.filter(({ ref }) => ref.round <= round && (authors.length === 0 || authors.includes(ref.author)));
const intact: SignerLog = { status: "intact", last: null, rebuiltIn: null };

function started(signerLog: SignerLog = intact, blocks = upTo(0)) {
  const state = new ConsensusState({ chainId: "test", self: ids[0]!, verifier: { vrf: () => null } });
  const effects: ConsensusEffect[] = [];
  const feed = (input: TestInput) => {
    const stepped = step(state, timed(input));
    effects.push(...stepped.effects);
    return stepped;
  };
  const recovered = { kind: "recovered", ...opened, last: null, commits: [], blocks, signerLog } as const;
  feed({ ...recovered, nowMs: 2_000 });
  return { state, feed, effects };
}

const kinds = (effects: readonly ConsensusEffect[]) => effects.map(({ kind }) => kind);
const only = <K extends ConsensusEffect["kind"]>(effects: readonly ConsensusEffect[], kind: K) =>
  effects.filter((effect): effect is ConsensusEffect & { kind: K } => effect.kind === kind);

test("a clock set back delays no block: it waits by the steady clock, and stamps no earlier time", () => {
  const { feed, effects } = started(intact, upTo(0));
  const first = only(effects, "propose")[0]!.body;
  expect([first.round, first.timestampMs]).toEqual([1, 2_000n]);
  const block = blockOf(0, 1, first.ancestors);
  feed({ kind: "own-block-signed", block, nowMs: 2_000 });
  // Ten minutes back, and another half a second on.
  const later = { nowMs: 2_500, wallMs: 2_500 - 600_000 };
  feed({ kind: "blocks-received", from: ids[1]!, blocks: upTo(1, 1, 2, 3), ...later });
  const second = only(effects, "propose")[1]!.body;
  expect([second.round, second.timestampMs]).toEqual([2, 2_000n]);
});

describe("CONS-8", () => {
  test("nothing is broadcast before the signer has answered, and a round is proposed once", () => {
    const { feed, effects } = started();
    expect(only(effects, "propose").map(({ body }) => body.round)).toEqual([1]);
    for (let nowMs = 2_000; nowMs < 5_000; nowMs += 100) feed({ kind: "tick", nowMs });
    expect(kinds(effects)).not.toContain("broadcast");
    expect(only(effects, "propose")).toHaveLength(1);
    const body = only(effects, "propose")[0]!.body;
    const block = blockOf(0, 1, body.ancestors);
    const { effects: after } = feed({ kind: "own-block-signed", block, nowMs: 5_000 });
    expect(kinds(after).slice(0, 2)).toEqual(["persist", "broadcast"]);
    expect(feed({ kind: "own-block-signed", block, nowMs: 5_000 }).verdict).toMatchObject({
      code: "CONSENSUS_UNEXPECTED_OWN_BLOCK",
    });
  });

  test("an intact log is the floor: the next block is above it, after the last one", () => {
    const last = upTo(4, 0).at(-1)!;
    const { effects } = started(
      { status: "intact", last: { epoch: 0n, round: 4, block: last }, rebuiltIn: null },
      upTo(4),
    );
    const [proposal] = only(effects, "propose");
    expect(proposal!.body.round).toBe(5);
    expect(proposal!.body.ancestors[0]).toEqual(last.ref);
    expect(only(effects, "broadcast").map(({ block }) => block)).toEqual([last]);
  });

  test("a lost log signs nothing until quorum stake of others has answered with blocks that are here", () => {
    const { feed, effects, state } = started({ status: "lost" }, upTo(6));
    expect(only(effects, "ask-own-round")).toMatchObject([{ to: ids.slice(1) }]);
    const answer = (peer: number, tipRound: number) =>
      feed({
        kind: "own-round-reported",
        from: ids[peer]!,
        epoch: 0n,
        own: upTo(6, 0).at(-1)!,
        tip: upTo(tipRound, peer).at(-1)!,
        nowMs: 3_000,
      });
    answer(1, 6);
    answer(1, 6);
    answer(2, 6);
    // A tip whose ancestors nobody has delivered: this answer does not count yet.
    answer(3, 9);
    expect(state.isSigning).toBe(false);
    feed({ kind: "blocks-received", from: ids[1]!, blocks: upTo(9), nowMs: 3_100 });
    expect(only(effects, "rebuild-signer-log")).toEqual([
      { kind: "rebuild-signer-log", epoch: 0n, floor: 10 },
    ]);
    expect(only(effects, "propose")).toEqual([]);
    feed({ kind: "blocks-received", from: ids[1]!, blocks: upTo(10), nowMs: 3_200 });
    expect(only(effects, "propose").map(({ body }) => body.round)).toEqual([11]);
  });

  test("a block of an own slot that this process did not sign stops it", () => {
    const { feed } = started();
    const { effects } = feed({ kind: "blocks-received", from: ids[1]!, blocks: upTo(1, 0), nowMs: 2_100 });
    expect(effects).toMatchObject([{ kind: "fatal", code: "CONSENSUS_SECOND_INSTANCE" }]);
    expect(feed({ kind: "tick", nowMs: 2_200 }).verdict).toEqual({
      kind: "reject",
      code: "CONSENSUS_HALTED",
    });
  });
});

describe("CONS-7", () => {
  test("a proposal waits for the last round's leader, and no longer than its timeout", () => {
    const probe = started(
      { status: "intact", last: { epoch: 0n, round: 2, block: upTo(2, 0).at(-1)! }, rebuiltIn: null },
      upTo(2),
    );
    const leader = probe.state.engine!.dag.sequence.leaders.leader(3);
    const others = [1, 2, 3].filter((author) => author !== leader);
    const authors = leader === 0 ? [1, 2] : [others[0]!, others[1]!];
    const third = upTo(3).filter(({ ref }) => ref.round === 3);
    const mine = only(probe.effects, "propose")[0]!.body;
    const own = blockOf(0, 3, mine.ancestors);
    probe.feed({ kind: "own-block-signed", block: own, nowMs: 2_010 });
    probe.feed({
      kind: "blocks-received",
      from: ids[1]!,
      blocks: third.filter(({ ref }) => authors.includes(ref.author)),
      nowMs: 2_100,
    });
    probe.feed({ kind: "tick", nowMs: 2_150 });
    const expected = leader === 0 ? 4 : 3;
    expect(only(probe.effects, "propose").at(-1)!.body.round).toBe(expected);
    probe.feed({ kind: "tick", nowMs: 2_301 });
    expect(only(probe.effects, "propose").at(-1)!.body.round).toBe(4);
  });
});

describe("timer", () => {
  test("an early tick sets the timer anew, or it would be the last", () => {
    const { feed, effects } = started();
    const block = blockOf(0, 1, only(effects, "propose")[0]!.body.ancestors);
    feed({ kind: "own-block-signed", block, nowMs: 2_000 });
    // A quorum of the round is here, and its time is not over.
    const [others, from] = [upTo(1, 1, 2, 3), ids[1]!];
    feed({ kind: "blocks-received", from, blocks: others, nowMs: 2_001 });
    const { atMs } = only(effects, "set-timer").at(-1)!;
    for (const nowMs of [atMs - 1, atMs - 1]) {
      expect(only(feed({ kind: "tick", nowMs }).effects, "set-timer")).toEqual([{ kind: "set-timer", atMs }]);
    }
  });
});

describe("step", () => {
  test("defers what comes before recovery, and recovers once", () => {
    const state = new ConsensusState({ chainId: "test", self: ids[0]!, verifier: { vrf: () => null } });
    expect(step(state, timed({ kind: "tick", nowMs: 0 })).verdict.kind).toBe("defer");
    const { feed } = started();
    const again = {
      kind: "recovered",
      ...opened,
      last: null,
      commits: [],
      blocks: [],
      signerLog: intact,
      nowMs: 0,
    } as const;
    expect(feed(again).verdict).toMatchObject({ code: "CONSENSUS_ALREADY_RECOVERED" });
  });

  test("commits persist before they are delivered, with the beacon of each", () => {
    const { feed } = started({
      status: "intact",
      last: { epoch: 0n, round: 99, block: null },
      rebuiltIn: null,
    });
    const { effects } = feed({ kind: "blocks-received", from: ids[1]!, blocks: upTo(8), nowMs: 2_100 });
    expect(effects[0]).toMatchObject({ kind: "persist" });
    const delivered = only(effects, "deliver-commit");
    expect(delivered.map(({ commit }) => commit.index)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
    expect(new Set(delivered.map(({ beacon }) => beacon)).size).toBe(6);
    for (const [i, { commit }] of delivered.entries()) {
      if (i > 0) expect(commit.previous).toBe(delivered[i - 1]!.digest);
    }
  });

  test("an outsider follows and proposes nothing", () => {
    const state = new ConsensusState({
      chainId: "test",
      self: "ff".repeat(32),
      verifier: { vrf: () => null },
    });
    const recovered = {
      kind: "recovered",
      ...opened,
      last: null,
      commits: [],
      blocks: upTo(8),
      signerLog: intact,
    } as const;
    const { effects } = step(state, timed({ ...recovered, nowMs: 2_000 }));
    expect(only(effects, "deliver-commit")).toHaveLength(6);
    expect(only(effects, "propose")).toEqual([]);
  });

  test("two blocks of a slot are proved once, and a request is served from memory or by reference", () => {
    const { feed, effects } = started();
    const twins = [0, 1, 2].map((variant) =>
      blockOf(2, 1, [genesis[2]!, genesis[0]!, genesis[1]!], { variant }),
    );
    feed({ kind: "blocks-received", from: ids[2]!, blocks: twins, nowMs: 2_050 });
    expect(only(effects, "report-equivocation")).toMatchObject([{ first: twins[0], second: twins[1] }]);
    const unknown = { round: 3, author: 1, digest: "cd".repeat(32) };
    const asked = feed({
      kind: "blocks-requested",
      from: ids[1]!,
      epoch: 0n,
      refs: [twins[1]!.ref, unknown],
      nowMs: 2_060,
    });
    expect(asked.effects).toMatchObject([{ kind: "serve-blocks", blocks: [twins[1]], stored: [unknown] }]);
  });

  test("transactions go into own blocks; a full queue defers, a hopeless one is refused", () => {
    const { feed, effects } = started({ status: "lost" });
    const offer = (transactions: Uint8Array[]) =>
      feed({ kind: "transactions-available", transactions, nowMs: 2_000 }).verdict;
    expect(offer([new Uint8Array(256 * 1024 + 1)])).toMatchObject({
      code: "CONSENSUS_TRANSACTION_TOO_LARGE",
    });
    expect(offer(Array.from({ length: 2_000 }, () => Uint8Array.of(1)))).toEqual({ kind: "accept" });
    expect(offer([Uint8Array.of(2)])).toMatchObject({ kind: "defer" });
    expect(only(effects, "propose")).toEqual([]);
  });
});
