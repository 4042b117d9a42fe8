import { bcs, byteString, bytes32, u64 } from "@soma/codec";
import { EvaluationResultCodec } from "@soma/protocol";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage, defineStream } from "./define.ts";

/** Evaluations waiting for a scorer; any worker takes the next. */
export const EvaluationStream = defineStream({
  name: "evaluations",
  owner: "scorer",
  doc: "Jobs to evaluate (GAME-7). The encoder asks again for what was not answered.",
  retention: "workqueue",
  storage: "file",
  discard: "new",
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 600_000,
});

/** All that an evaluation needs; the vectors are fetched by hash, from the operator's blob folder or `gateways`. */
export const EvaluationRequested = defineMessage({
  name: "scorer.evaluation-requested",
  version: 1,
  owner: "scorer",
  from: ["encoder"],
  to: ["scorer"],
  subject: ["scorer", "evaluation-requested"],
  payload: bcsPayload(
    bcs.struct("EvaluationRequested", {
      chainId: bcs.string(),
      job: bytes32,
      /** Rises when the encoder asks again, so that the broker does not take it for a repeat. */
      ask: bcs.u32(),
      selection: bytes32,
      bundle: bytes32,
      /** The beacon that drew the shard. */
      beacon: bytes32,
      /** How many masks each item has (MASK-2). */
      masksOfItem: bcs.vector(bcs.u32()),
      dimension: bcs.u32(),
      /** SPACE-2: squared mean norm of the anchors, int16 units. */
      meanNormSquared: u64,
      /** The evaluated set. */
      reveals: bcs.vector(
        bcs.struct("RevealedVectors", { encoder: bytes32, embeddingDigest: bytes32, vectors: bytes32 }),
      ),
      /** The selection's encoders in its order (latency order of SCORE-1). */
      selected: bcs.vector(bytes32),
      gateways: bcs.vector(bcs.string()),
    }),
    256 * 1024,
  ),
  maxBytes: 256 * 1024,
  delivery: { kind: "stream", stream: EvaluationStream, dedupeBy: (p) => `${p.job}-${p.bundle}-${p.ask}` },
  doc: "An encoder owes an evaluation and asks its scorers for it.",
});

/** The evaluation, byte for byte what every honest encoder gets. */
export const JobEvaluated = defineMessage({
  name: "scorer.job-evaluated",
  version: 1,
  owner: "scorer",
  to: ["encoder"],
  subject: ["scorer", "job-evaluated"],
  payload: bcsPayload(
    bcs.struct("JobEvaluated", { job: bytes32, result: EvaluationResultCodec, finals: byteString }),
    512 * 1024,
  ),
  maxBytes: 512 * 1024,
  delivery: { kind: "core" },
  doc: "A scorer finished an evaluation.",
});

/** Says whose vectors no gateway served as they were revealed; the encoder asks again, or says so on the ledger. */
export const EvaluationFailed = defineMessage({
  name: "scorer.evaluation-failed",
  version: 1,
  owner: "scorer",
  to: ["encoder"],
  subject: ["scorer", "evaluation-failed"],
  payload: bcsPayload(
    bcs.struct("EvaluationFailed", { job: bytes32, bundle: bytes32, missing: bcs.vector(bytes32) }),
    64 * 1024,
  ),
  delivery: { kind: "core" },
  doc: "A scorer could not have all vectors of an evaluation.",
});
