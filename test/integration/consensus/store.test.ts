import { blockDigest, type Commit, commitDigest, encodeSignedBlock } from "@soma/protocol";
import { Database, migrate } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredCommit } from "../../../services/consensus/src/core/index.ts";
import {
  ConsensusStore,
  type ConsensusTables,
  MIGRATIONS,
} from "../../../services/consensus/src/shell/store.ts";

const ZERO = "00".repeat(32);
const ROOMY = 1024 * 1024;

function commitOf(index: number, epoch: bigint): Commit {
  const leader = { round: index, author: 0, digest: ZERO };
  return { epoch, index: BigInt(index), previous: ZERO, timestampMs: 0n, leader, blocks: [] };
}

/** Commits 1 to 6 of epoch 0, the last closing it, and 7 to 9 of epoch 1; 3 and 8 are certified. */
function chain(): StoredCommit[] {
  return [1, 2, 3, 4, 5, 6, 7, 8, 9].map((index) => {
    const commit = commitOf(index, index <= 6 ? 0n : 1n);
    const digest = commitDigest("test", commit);
    const closed = index === 6;
    const { epoch, timestampMs } = commit;
    const scores = { scheduleScores: null, scores: [], scoredCommits: 0 };
    const snapshot = {
      epoch,
      timestampMs,
      ...scores,
      index: commit.index,
      digest,
      leaderRound: index,
      beacon: ZERO,
      closed,
    };
    return { commit, digest, beacon: ZERO, blocks: [], closesEpoch: closed, snapshot };
  });
}

const resources = new TestResources();
let store: ConsensusStore;
const certificate = (index: bigint) => ({ index, digest: ZERO, voters: [] });

beforeAll(async () => {
  const url = await (await resources.postgres()).createDatabase("soma");
  const telemetry = Telemetry.silent("consensus");
  const database = resources.use(
    await Database.open<ConsensusTables>({ url, schema: "consensus", telemetry }),
  );
  await migrate(database, MIGRATIONS);
  store = new ConsensusStore(database, "test");
  await store.persist([], chain(), [certificate(3n), certificate(8n)]);
});
afterAll(() => resources.close());

async function batch(after: number, limit: number, maxBytes = ROOMY): Promise<[number[], number[]] | null> {
  const found = await store.batch(BigInt(after), limit, maxBytes);
  const indexes = (commits: readonly Commit[] = []) => commits.map(({ index }) => Number(index));
  return found && [indexes(found.commits), indexes(found.proof)];
}

describe("CONS-9 batches", () => {
  test.each([
    ["to the certified commit that its limit ends at", 0, 3, [[1, 2, 3], []]],
    ["on to the certified commit by proof", 0, 2, [[1, 2], [3]]],
    ["to the epoch's end, past a certificate", 0, 100, [[1, 2, 3, 4, 5, 6], []]],
    ["on to the epoch's end by proof", 3, 1, [[4], [5, 6]]],
    ["no further than the last certificate of the running epoch", 6, 100, [[7, 8], []]],
    ["nothing where nothing is certified yet", 8, 100, null],
    ["nothing beyond the newest", 9, 100, null],
  ] as const)("%s", async (_, after, limit, expected) => expect(await batch(after, limit)).toEqual(expected));

  test("one commit is given, however large it is", async () => {
    expect(await batch(0, 100, 1)).toEqual([[1], [2, 3]]);
  });
});

/** A commit of epoch 5 with this many blocks of its own. */
function withBlocks(index: number, count: number): StoredCommit {
  const blocks = Array.from({ length: count }, (_, author) => {
    const body = {
      epoch: 5n,
      round: index,
      author,
      timestampMs: 0n,
      ancestors: [{ round: index - 1, author, digest: ZERO }],
      transactions: [],
      commitVotes: [],
      vrfProof: new Uint8Array(),
    };
    const bytes = encodeSignedBlock({ body, signature: new Uint8Array(64) });
    return { ref: { round: index, author, digest: blockDigest("test", bytes) }, body, bytes };
  });
  const commit = { ...commitOf(index, 5n), blocks: blocks.map(({ ref }) => ref).reverse() };
  const digest = commitDigest("test", commit);
  const [stored] = chain();
  const snapshot = { ...stored!.snapshot, epoch: 5n, index: commit.index, digest, leaderRound: index };
  return { ...stored!, commit, digest, blocks, closesEpoch: false, snapshot };
}

test("every commit comes with its own blocks in its order, however many are read at once", async () => {
  const counts = [1, 30, 30, 5, 70, 0, 64, 2, 1, 1];
  const commits = counts.map((count, i) => withBlocks(100 + i, count));
  await store.persist(
    commits.flatMap(({ blocks }) => blocks),
    commits,
    [],
  );
  const read: { index: bigint; blocks: string[] }[] = [];
  for await (const { commit, blocks } of store.replay(100n)) {
    read.push({ index: commit.index, blocks: blocks.map(({ ref }) => ref.digest) });
  }
  expect(read).toEqual(
    commits.map(({ commit }) => ({ index: commit.index, blocks: commit.blocks.map(({ digest }) => digest) })),
  );
  await store.persist([], [], [certificate(109n)]);
  const batch = await store.batch(99n, 100, ROOMY);
  expect(batch?.blocks.map(({ ref }) => ref.digest)).toEqual(read.flatMap(({ blocks }) => blocks));
});
