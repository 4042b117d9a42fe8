import { toHex } from "@soma/base";
import { bcs, byteString } from "@soma/codec";
import { type Address, BLOCK_LIMITS, MAX_TRANSACTION_BYTES } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload, rawPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { amount, hex32, u32 } from "./fields.ts";
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

/** Offers a signed transaction (its canonical bytes) for inclusion, to the replica that has its sender. */
export const SubmitTransaction = defineMessage({
  name: "mempool.submit-transaction",
  version: 2,
  owner: "mempool",
  from: ["gateway", "consensus"],
  subject: ["mempool", "submit", token("partition")],
  payload: rawPayload,
  maxBytes: MAX_TRANSACTION_BYTES,
  delivery: {
    kind: "request",
    reply: z.discriminatedUnion("accepted", [
      z.strictObject({ accepted: z.literal(true), digest: hex32, known: z.boolean() }),
      z.strictObject({
        accepted: z.literal(false),
        code: z.string(),
        message: z.string(),
        /** The tip that would have passed just now, where a tip is all that it lacks. */
        minimumTip: amount.nullable(),
      }),
    ]),
  },
  doc: "Asks for a transaction's admission; the answer is admission or a refusal with a stable code.",
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

/** Which senders a replica has: said at every heartbeat and whenever it changes. */
export const MempoolReplica = defineMessage({
  name: "mempool.replica-announced",
  version: 1,
  owner: "mempool",
  to: ["consensus", "mempool"],
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
