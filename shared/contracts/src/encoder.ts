import { bcs, byteString, bytes32 } from "@soma/codec";
import { EpochInfoCodec } from "@soma/protocol";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage, defineStream } from "./define.ts";

/** Jobs waiting for an inference worker; any takes the next, and another gets what a dead one held. */
export const InferenceStream = defineStream({
  name: "inference",
  owner: "encoder",
  doc: "Jobs to embed (GAME-3). The encoder asks again for what was not answered.",
  retention: "workqueue",
  storage: "file",
  discard: "new",
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 600_000,
});

/** All that inference needs; the items are in the operator's blob folder, else fetched by hash. */
export const InferenceRequested = defineMessage({
  name: "encoder.inference-requested",
  version: 1,
  owner: "encoder",
  from: ["encoder"],
  to: ["encoder"],
  subject: ["encoder", "inference-requested"],
  payload: bcsPayload(
    bcs.struct("InferenceRequested", {
      job: bytes32,
      attempt: bcs.u32(),
      /** Rises when the encoder asks again, so that the broker does not take it for a repeat. */
      ask: bcs.u32(),
      /** In whose name the blob is made. */
      encoder: bytes32,
      chainId: bcs.string(),
      modality: bcs.u8(),
      /** SHA-256 of the items' blob, whose content was checked against the job's data hash. */
      data: bytes32,
      /** Seeds of the masks (MASK-2). */
      lastBlock: bytes32,
      beacon: bytes32,
      masks: bcs.u32(),
      maxTokens: bcs.u32(),
      /** What the network's vectors have (SPACE-1). */
      dimension: bcs.u32(),
    }),
    4096,
  ),
  maxBytes: 4096,
  delivery: {
    kind: "stream",
    stream: InferenceStream,
    dedupeBy: (p) => `${p.job}-${p.attempt}-${p.ask}`,
  },
  doc: "An encoder owes embeddings and asks its workers for them.",
});

/** Vectors up to this size travel in the message; larger ones by content address in the operator's blob folder. */
export const INLINE_VECTORS_BYTES = 256 * 1024;

/** Idempotent by job and attempt: the encoder keeps the first and ignores the rest. */
export const InferenceCompleted = defineMessage({
  name: "encoder.inference-completed",
  version: 1,
  owner: "encoder",
  from: ["encoder"],
  to: ["encoder"],
  subject: ["encoder", "inference-completed"],
  payload: bcsPayload(
    bcs.struct("InferenceCompleted", {
      job: bytes32,
      attempt: bcs.u32(),
      outcome: bcs.enum("InferenceOutcome", {
        Embedded: bcs.struct("Embedded", {
          vectors: bcs.enum("EmbeddedVectors", {
            /** BCS of `EmbeddingBlob`. */
            Inline: byteString,
            /** Its SHA-256 in the blob folder. */
            Stored: bytes32,
          }),
          masksOfItem: bcs.vector(bcs.u32()),
        }),
        /** An item cannot be embedded by anybody; the code says why. */
        BadData: bcs.string(),
        /** The model or the machine failed; the code says how. */
        Failed: bcs.string(),
      }),
    }),
    INLINE_VECTORS_BYTES + 64 * 1024,
  ),
  maxBytes: INLINE_VECTORS_BYTES + 64 * 1024,
  delivery: { kind: "core" },
  doc: "An inference worker finished a job, or found that it cannot be done.",
});

/** For peering of an encoder operator, which has no state service to ask. */
export const EpochProven = defineMessage({
  name: "encoder.epoch-proven",
  version: 1,
  owner: "encoder",
  to: ["peering"],
  subject: ["encoder", "epoch-proven"],
  payload: bcsPayload(EpochInfoCodec, 900 * 1024),
  maxBytes: 900 * 1024,
  delivery: { kind: "core" },
  doc: "The light client proved an epoch's facts: sent when it is new, and again every ten seconds for who starts later.",
});
