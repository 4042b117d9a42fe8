import { BLOCK_LIMITS, type BlockRef, type Commit, NO_COMMIT } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import type { ConsensusBounds } from "./bounds.ts";
import { type ConsensusEffect, ConsensusState, genesisRefs, step } from "./index.ts";
import { blockOf, refOf } from "./testing/blocks.ts";
import { epochOf } from "./testing/epoch.ts";
import { type TestInput, timed } from "./testing/timed.ts";
import type { VerifiedBlock } from "./verified-block.ts";

// CONS-11: each flood is held by one bound. The mutant is the same validator without that bound: it must give way.

const opened = epochOf([1n, 1n, 1n, 1n], {
  gcDepth: 60,
  leaderTimeout: 200,
  minRoundDelay: 50,
  commitBatch: 5,
});
const ids = opened.info.committee.map(({ validator }) => validator);
const genesis = genesisRefs("test", opened);
const FAULTY = 3;
const SIZE = 4;

const SMALL: Partial<ConsensusBounds> = {
  suspendedPerAuthor: 5,
  blocksPerSlot: 3,
  futureRounds: 50,
  blocksPerRequest: 4,
  fetchesInFlight: 6,
  queuedTransactions: 7,
  queuedTransactionBytes: 64,
  commitsInVote: 9,
  commitLagRefusing: 20,
  commitProof: 6,
};

class Flooded {
  readonly state: ConsensusState;
  readonly effects: ConsensusEffect[] = [];

  constructor(bounds: Partial<ConsensusBounds>) {
    this.state = new ConsensusState({
      chainId: "test",
      self: ids[0]!,
      verifier: { vrf: () => null },
      bounds,
    });
    const signerLog = { status: "intact", last: null, rebuiltIn: null } as const;
    this.feed({
      kind: "recovered",
      ...opened,
      last: null,
      commits: [],
      blocks: [],
      signerLog,
      nowMs: 2_000,
    });
  }

  feed(input: TestInput): string {
    const { verdict, effects } = step(this.state, timed(input));
    this.effects.push(...effects);
    return verdict.kind === "reject" ? verdict.code : verdict.kind;
  }

  receive(...blocks: VerifiedBlock[]): string {
    return this.feed({ kind: "blocks-received", from: ids[FAULTY]!, blocks, nowMs: 2_100 });
  }

  size(name: string): number {
    return this.state.sizes()[name] ?? 0;
  }
}

/** A quorum's ancestors that nobody has. */
function strangers(round: number, variant: number): BlockRef[] {
  return [FAULTY, 1, 2].map((author) => refOf(author, round - 1, variant));
}

/** Rounds of the three others without a fault; the votes ride in those of each round. */
function rounds(last: number, votesAt: (round: number) => bigint[] = () => []): VerifiedBlock[] {
  const blocks: VerifiedBlock[] = [];
  let below = genesis.slice(1);
  for (let round = 1; round <= last; round++) {
    const commitVotes = votesAt(round).map((index) => ({ index, digest: "ab".repeat(32) }));
    const made = below.map((own) =>
      blockOf(own.author, round, [own, ...below.filter((ref) => ref !== own)], { commitVotes }),
    );
    blocks.push(...made);
    below = made.map(({ ref }) => ref);
  }
  return blocks;
}

interface Flood {
  readonly bound: keyof ConsensusBounds;
  readonly by: string;
  /** Sends without end; what grew, and how far it may grow. */
  readonly send: (node: Flooded) => { readonly grew: number; readonly limit: number };
}

const FLOODS: readonly Flood[] = [
  {
    bound: "suspendedPerAuthor",
    by: "blocks with ancestors that nobody has",
    send: (node) => {
      for (let i = 0; i < 200; i++)
        node.receive(blockOf(FAULTY, 2 + (i % 40), strangers(2 + (i % 40), 100 + i)));
      const limit = SMALL.suspendedPerAuthor!;
      expect(node.size("missing")).toBeLessThanOrEqual(node.size("suspended") * SIZE);
      return { grew: node.size("suspended"), limit };
    },
  },
  {
    bound: "blocksPerSlot",
    by: "blocks of one slot, each with ancestors that are here",
    send: (node) => {
      const own = genesis[FAULTY]!;
      const ancestors = [own, ...genesis.filter((ref) => ref !== own)];
      for (let i = 0; i < 200; i++) node.receive(blockOf(FAULTY, 1, ancestors, { variant: i }));
      return { grew: node.size("blocks") - SIZE, limit: SMALL.blocksPerSlot! };
    },
  },
  {
    bound: "futureRounds",
    by: "blocks of rounds far ahead",
    send: (node) => {
      for (let i = 0; i < 50; i++) node.receive(blockOf(FAULTY, 1_000 + i, strangers(1_000 + i, 1)));
      return { grew: node.size("suspended"), limit: 0 };
    },
  },
  {
    bound: "fetchesInFlight",
    by: "one batch of blocks with ancestors that nobody has",
    send: (node) => {
      node.receive(...[1, 2, 3, 4, 5].map((i) => blockOf(FAULTY, 2 + i, strangers(2 + i, 50 + i))));
      const asked = node.effects.flatMap((effect) => (effect.kind === "fetch-blocks" ? effect.refs : []));
      return { grew: asked.length, limit: SMALL.fetchesInFlight! };
    },
  },
  {
    bound: "blocksPerRequest",
    by: "one request for many blocks",
    send: (node) => {
      const refs = Array.from({ length: 500 }, (_, i) => refOf(1, 1 + i));
      node.feed({ kind: "blocks-requested", from: ids[FAULTY]!, epoch: 0n, refs, nowMs: 2_100 });
      const served = node.effects.flatMap((effect) =>
        effect.kind === "serve-blocks" ? [...effect.blocks, ...effect.stored] : [],
      );
      return { grew: served.length, limit: SMALL.blocksPerRequest! };
    },
  },
  {
    bound: "commitsInVote",
    by: "votes for commits to come",
    send: (node) => {
      const own = genesis[FAULTY]!;
      const commitVotes = Array.from({ length: BLOCK_LIMITS.commitVotes }, (_, i) => ({
        index: BigInt(1 + i * 7),
        digest: "cd".repeat(32),
      }));
      node.receive(blockOf(FAULTY, 1, [own, ...genesis.filter((ref) => ref !== own)], { commitVotes }));
      return { grew: node.size("polls"), limit: 2 * SMALL.commitsInVote! + 1 };
    },
  },
  {
    bound: "commitLagRefusing",
    by: "live blocks, while a quorum is far ahead",
    send: (node) => {
      for (const block of rounds(30, (round) => (round === 1 ? [5_000n] : []))) node.receive(block);
      return { grew: node.size("blocks"), limit: 2 * SIZE };
    },
  },
  {
    bound: "commitProof",
    by: "a proof of many commits without blocks",
    send: (node) => {
      const commit: Commit = {
        epoch: 0n,
        index: 1n,
        previous: NO_COMMIT,
        timestampMs: 1_000n,
        leader: refOf(1, 1),
        blocks: [],
      };
      const proof = Array.from({ length: 100 }, () => commit);
      const told = node.feed({
        kind: "commits-received",
        from: ids[FAULTY]!,
        commits: [commit],
        blocks: [],
        proof,
        voters: [],
        nowMs: 2_100,
      });
      return { grew: told === "CONSENSUS_BATCH_TOO_LARGE" ? 0 : proof.length, limit: SMALL.commitProof! };
    },
  },
  {
    bound: "queuedTransactions",
    by: "transactions in number",
    send: (node) => {
      for (let i = 0; i < 100; i++) {
        node.feed({ kind: "transactions-available", transactions: [Uint8Array.of(i)], nowMs: 2_100 });
      }
      return { grew: node.size("transactions"), limit: SMALL.queuedTransactions! };
    },
  },
  {
    bound: "queuedTransactionBytes",
    by: "transactions in bytes",
    send: (node) => {
      for (let i = 0; i < 6; i++) {
        node.feed({ kind: "transactions-available", transactions: [new Uint8Array(30)], nowMs: 2_100 });
      }
      return { grew: 30 * node.size("transactions"), limit: SMALL.queuedTransactionBytes! };
    },
  },
];

describe("CONS-11: what a peer sends without end", () => {
  test.each(FLOODS.map((flood) => [flood.bound, flood.by, flood] as const))(
    "%s holds %s",
    (bound, _, flood) => {
      const held = flood.send(new Flooded(SMALL));
      expect(held.grew).toBeLessThanOrEqual(held.limit);
      // Without the bound the same flood passes the limit: else this test could not fail.
      const open = flood.send(new Flooded({ ...SMALL, [bound]: 1e12 }));
      expect(open.grew).toBeGreaterThan(open.limit);
    },
  );

  test("a slot's blocks beyond the bound are still taken when another block lists them", () => {
    const node = new Flooded(SMALL);
    const own = genesis[FAULTY]!;
    const twins = Array.from({ length: 10 }, (_, i) =>
      blockOf(FAULTY, 1, [own, ...genesis.filter((ref) => ref !== own)], { variant: i }),
    );
    for (const twin of twins) node.receive(twin);
    expect(node.receive(twins[9]!)).toBe("CONSENSUS_BLOCK_CROWDED");
    const honest = rounds(1).filter(({ ref }) => ref.author !== FAULTY);
    for (const block of honest) node.receive(block);
    const [one, two] = honest.map(({ ref }) => ref) as [BlockRef, BlockRef];
    expect(node.receive(blockOf(1, 2, [one, two, twins[9]!.ref]))).toBe("accept");
    expect(node.size("suspended")).toBe(1);
    expect(node.receive(twins[9]!)).toBe("accept");
    expect(node.size("suspended")).toBe(0);
  });

  test("one who never proposes keeps no more votes than a block carries", () => {
    const node = new Flooded({ ...SMALL, commitLagRefusing: 5_000, commitsInVote: 50 });
    // The signer never answers: nothing is proposed, and no vote of its own ever leaves.
    for (const block of rounds(3 * BLOCK_LIMITS.commitVotes)) node.receive(block);
    expect(Number(node.state.lastCommit!.index)).toBeGreaterThan(2 * BLOCK_LIMITS.commitVotes);
    expect(node.size("votesPending")).toBe(BLOCK_LIMITS.commitVotes);
    expect(node.size("polls")).toBeLessThanOrEqual(2 * 50 + 1);
    expect(node.size("blocks")).toBeLessThan(SIZE * 80);
  });
});
