import { bcs, u32 as bcsU32, bytes32, u64 } from "@soma/codec";
import { z } from "zod";
import { bcsPayload, rawPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { amount, hex32 } from "./fields.ts";

// The vectors that closed jobs recorded, as the pool gathers them.

/** The final vectors of a closed job, as the ledger recorded them. */
export const EmbeddingsRecorded = defineMessage({
  name: "state.embeddings-recorded",
  version: 1,
  owner: "state",
  to: ["pool"],
  subject: ["state", "embeddings-recorded"],
  payload: bcsPayload(
    bcs.struct("EmbeddingsRecorded", {
      job: bytes32,
      commit: u64,
      epoch: u64,
      payer: bytes32,
      modality: bcs.u8(),
      winner: bytes32,
      /** int16 little endian, all items in order. */
      finals: bcs.byteVector(),
      items: bcsU32,
    }),
    512 * 1024,
  ),
  maxBytes: 512 * 1024,
  delivery: { kind: "core" },
  doc: "A final proof was executed: these vectors belong in the pool.",
});

/** Closed jobs from a commit on, so that a pool that was away catches up. */
export const ListEmbeddings = defineMessage({
  name: "state.list-embeddings",
  version: 1,
  owner: "state",
  from: ["pool"],
  subject: ["state", "list-embeddings"],
  payload: z.strictObject({ afterCommit: amount, limit: z.int().min(1).max(64) }),
  delivery: {
    kind: "request",
    reply: z.strictObject({ jobs: z.array(z.strictObject({ job: hex32, commit: amount })) }),
  },
  doc: "Asks for the jobs whose vectors were recorded after a commit, oldest first.",
});

/** One closed job's vectors. */
export const GetEmbeddings = defineMessage({
  name: "state.get-embeddings",
  version: 1,
  owner: "state",
  from: ["pool", "gateway"],
  subject: ["state", "get-embeddings"],
  payload: z.strictObject({ job: hex32 }),
  delivery: { kind: "request", reply: rawPayload, replyMaxBytes: 512 * 1024 },
  doc: "Asks for the recorded vectors of a job: the bytes of an `embeddings-recorded` payload, or none.",
});
