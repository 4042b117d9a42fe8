import { toHex } from "@soma/base";
import { bcs, byteString, bytes32, u64 } from "@soma/codec";
import { type Address, BLOCK_LIMITS, MAX_TRANSACTION_BYTES } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { hex32, u32 } from "./fields.ts";
import { token } from "./subject.ts";

/** Parts of the senders, each of which one replica of the mempool has at a time; also the most replicas of use. */
export const MEMPOOL_PARTITIONS = 16;

/** The first four bits of the address, which is a hash. */
export function partitionOfSender(sender: Address): number {
  return Number.parseInt(sender[0]!, 16);
}

/** Where a signed transaction goes, read off its first bytes; what is none goes anywhere and is refused there. */
export function partitionOfTransaction(bytes: Uint8Array): number {
  // BCS: the chain id's length as ULEB128 (two bytes hold any that fits a message), the chain id, then the sender.
  const [low = 0, high = 0] = bytes;
  const sender = low < 128 ? 1 + low : 2 + (low & 127) + high * 128;
  return partitionOfSender(toHex(Uint8Array.of(bytes[sender] ?? 0)));
}

/** Of a submission with the lengths before its transactions, and of its answers. */
const SUBMISSION_BYTES = MAX_TRANSACTION_BYTES + 4 * 1024;
const ANSWER_BYTES = 256 * 1024;

/** Transactions in one `SubmitTransactions`, and their bytes together: the largest transaction fits when it comes alone. */
export const SUBMISSION_LIMITS = { transactions: 256, bytes: MAX_TRANSACTION_BYTES } as const;

/** What the mempool answers to one transaction. */
export const SubmissionCodec = bcs.enum("Submission", {
  /** `known`: it was there already. */
  Admitted: bcs.struct("Admitted", { digest: bytes32, known: bcs.bool() }),
  Refused: bcs.struct("Refused", {
    code: bcs.string(),
    message: bcs.string(),
    /** The tip that would have passed just now, where a tip is all that it lacks. */
    minimumTip: bcs.option(u64),
  }),
});
export type Submission = typeof SubmissionCodec.$inferType;

/**
 * Offers signed transactions (their canonical bytes) of one partition's senders for inclusion, to the replica that has
 * it: at most `SUBMISSION_LIMITS`.
 */
export const SubmitTransactions = defineMessage({
  name: "mempool.submit-transactions",
  version: 1,
  owner: "mempool",
  from: ["gateway", "consensus"],
  subject: ["mempool", "submit", token("partition")],
  payload: bcsPayload(bcs.vector(byteString), SUBMISSION_BYTES),
  maxBytes: SUBMISSION_BYTES,
  delivery: {
    kind: "request",
    reply: bcsPayload(bcs.vector(SubmissionCodec), ANSWER_BYTES),
    replyMaxBytes: ANSWER_BYTES,
  },
  doc: "Asks for transactions' admission; each is answered in its place: admitted, or refused with a stable code.",
});

/** Takes transactions for the next own block; they come back if no commit carries them in time. */
export const TakeBatch = defineMessage({
  name: "mempool.take-batch",
  version: 2,
  owner: "mempool",
  from: ["consensus"],
  subject: ["mempool", "take", token("replica")],
  payload: z.strictObject({ maxTransactions: u32, maxBytes: u32 }),
  delivery: {
    kind: "request",
    reply: bcsPayload(bcs.vector(byteString), BLOCK_LIMITS.bytes),
    replyMaxBytes: BLOCK_LIMITS.bytes,
  },
  doc: "Consensus asks one replica for a batch of admitted transactions to propose.",
});

/**
 * Which senders a replica has, and how many transactions wait there: said at every heartbeat, whenever the senders change,
 * and when something waits again after consensus was told that nothing does.
 */
export const MempoolReplica = defineMessage({
  name: "mempool.replica-announced",
  version: 1,
  owner: "mempool",
  to: ["consensus", "mempool", "gateway"],
  subject: ["mempool", "replica-announced"],
  payload: z.strictObject({
    replica: z.string().max(64),
    /** Empty when it leaves. */
    partitions: z
      .array(
        z
          .int()
          .min(0)
          .max(MEMPOOL_PARTITIONS - 1),
      )
      .max(MEMPOOL_PARTITIONS),
    waiting: u32,
  }),
  delivery: { kind: "core" },
  doc: "A replica of the mempool says which partitions of the senders it has.",
});

/** What became of a transaction that was accepted here. What the ledger says of it comes first. */
export const GetAdmission = defineMessage({
  name: "mempool.get-admission",
  version: 1,
  owner: "mempool",
  from: ["gateway"],
  subject: ["mempool", "get-admission"],
  payload: z.strictObject({ digest: hex32 }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      status: z.enum(["waiting", "departed", "unknown"]),
      /** Of a departed one: its stable code, and in words. */
      reason: z.string().nullable(),
      explanation: z.string().nullable(),
      /** The transaction that took its place. */
      by: hex32.nullable(),
    }),
  },
  doc: "Asks whether a transaction waits in the mempool, or why it left unexecuted.",
});
