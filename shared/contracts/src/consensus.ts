import { bcs, byteString, bytes32 } from "@soma/codec";
import { CommitCodec } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage, defineStream } from "./define.ts";
import { hex32, millis, u32 } from "./fields.ts";

/** Commits on their way to the executor. Rebuilt from consensus' own store when lost. */
export const CommitStream = defineStream({
  name: "commits",
  owner: "consensus",
  doc: "Decided sub-DAGs in order, for the executor. The executor checks index and digest chain itself.",
  retention: "limits",
  storage: "file",
  discard: "old",
  maxBytes: 512 * 1024 * 1024,
  maxAgeMs: 3_600_000,
});

const CommitPartCodec = bcs.struct("CommitPart", {
  commit: CommitCodec,
  digest: bytes32,
  /** beacon(index) (RAND-1). */
  beacon: bytes32,
  /** A sub-DAG larger than one message comes in parts, 0 to parts - 1, in order. */
  part: bcs.u16(),
  parts: bcs.u16(),
  /** Transactions of this part in commit order, each with the index of the block's author. */
  transactions: bcs.vector(bcs.struct("OrderedTransaction", { author: bcs.u16(), bytes: byteString })),
});
export type CommitPart = typeof CommitPartCodec.$inferType;

/** Largest message of the commit stream. */
export const COMMIT_PART_BYTES = 900 * 1024;

export const CommitDecided = defineMessage({
  name: "consensus.commit-decided",
  version: 1,
  owner: "consensus",
  to: ["state"],
  subject: ["consensus", "commit-decided"],
  payload: bcsPayload(CommitPartCodec, COMMIT_PART_BYTES + 64 * 1024),
  maxBytes: COMMIT_PART_BYTES + 64 * 1024,
  delivery: { kind: "stream", stream: CommitStream, dedupeBy: (p) => `${p.digest}-${p.part}` },
  doc: "A sub-DAG was decided: one step of the total order.",
});

/** The executor's way to ask for commits again, from an index on, when the stream has a gap. */
export const ReplayCommits = defineMessage({
  name: "consensus.replay-commits",
  version: 1,
  owner: "consensus",
  from: ["state"],
  subject: ["consensus", "replay-commits"],
  payload: z.strictObject({ fromIndex: z.string().regex(/^[0-9]{1,20}$/) }),
  delivery: { kind: "request", reply: z.strictObject({ republished: u32 }) },
  doc: "State asks consensus to publish stored commits again, from an index on.",
});

/** Where consensus stands, for status pages. */
export const ConsensusStatus = defineMessage({
  name: "consensus.get-status",
  version: 1,
  owner: "consensus",
  from: ["gateway"],
  subject: ["consensus", "get-status"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epoch: z.string(),
      round: u32,
      lastCommit: z.string(),
      /** Milliseconds since that commit. */
      lastCommitAgeMs: millis,
      proposing: z.boolean(),
      /** No commit for longer than the operator's bound. */
      standstill: z.boolean(),
      /** Highest round of a block seen from each member of the committee, in its order; 0 for none. */
      rounds: z.array(z.strictObject({ validator: hex32, round: u32 })).max(256),
    }),
  },
  doc: "Asks where consensus stands: epoch, round, last commit, and the newest block seen of each validator.",
});
