import { type Commit, commitDigest } from "@soma/protocol";
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
beforeAll(async () => {
  const url = await (await resources.postgres()).createDatabase("soma");
  const telemetry = Telemetry.silent("consensus");
  const database = resources.use(
    await Database.open<ConsensusTables>({ url, schema: "consensus", telemetry }),
  );
  await migrate(database, MIGRATIONS);
  store = new ConsensusStore(database, "test");
  await store.persist([], chain());
  for (const index of [3n, 8n]) await store.storeCertificate({ index, digest: ZERO, voters: [] });
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
