import { concatBytes, fromHex, ok, type Result, toHex } from "@soma/base";
import { merkleRoot, sha256 } from "@soma/crypto";
import {
  drawMasks,
  evaluateJob,
  type ItemEmbeddings,
  type JobEvaluation,
  type MaskModality,
  vectorBytes,
} from "@soma/embedding";
import { jobSeed } from "@soma/sampling";
import { readEmbeddingBlob } from "./embedding-blob.ts";
import type { EpochInfo } from "./epoch.ts";
import type { EvaluationResult } from "./evaluation-result.ts";
import type { Digest, EncoderId, JobId } from "./ids.ts";
import type { Parameters } from "./parameter-table.ts";

/** What seeds an item's masks, beside the item itself (MASK-2). */
export interface ItemMaskRequest {
  readonly chainId: string;
  /** The epoch in which the job's payment committed; its `lastBlock` is the seed's block. */
  readonly epoch: EpochInfo;
  readonly parameters: Parameters;
  /** The beacon that drew the job's shard. */
  readonly beacon: Digest;
  readonly modality: MaskModality;
  /** The item's bytes; their SHA-256 is the seed's data hash. */
  readonly item: Uint8Array;
  /** Elements of the tokenised item. */
  readonly length: number;
}

/** The masks of one item of a job (MASK-2). Refuses as `drawMasks` does. */
export function itemMasks(request: ItemMaskRequest): Result<number[][]> {
  return drawMasks({
    chainId: request.chainId,
    block: fromHex(request.epoch.lastBlock),
    beacon: fromHex(request.beacon),
    dataHash: sha256(request.item),
    length: request.length,
    modality: request.modality,
    masks: request.parameters.masks,
  });
}

/** Everything that GAME-7's evaluation of a job is a function of. */
export interface RevealedJob {
  readonly chainId: string;
  readonly job: JobId;
  /** Digest of the selection on the ledger. */
  readonly selection: Digest;
  /** Digest of the evaluated set. */
  readonly bundle: Digest;
  /** The beacon that drew the shard. */
  readonly beacon: Digest;
  /** `embeddingDimension` in force. */
  readonly dimension: number;
  /** How many masks each item has: `itemMasks(...).length`. */
  readonly masksOfItem: readonly number[];
  /** SPACE-2's unit, from the genesis file. */
  readonly meanNormSquared: bigint;
  /** The evaluated set; `blob` is the bytes that its embedding digest names. */
  readonly reveals: readonly { readonly encoder: EncoderId; readonly blob: Uint8Array }[];
  /** The selection's encoders in its order. */
  readonly selected: readonly EncoderId[];
}

/** A job's evaluation in the forms that are signed and sent. */
export interface EvaluatedReveals {
  readonly result: EvaluationResult;
  /**
   * `FinalProof.finals`: every item's final vector in order, zeros for an item that nobody qualified on; empty if
   * all are disqualified.
   */
  readonly finals: Uint8Array;
  readonly evaluation: JobEvaluation;
}

/**
 * GAME-7 from the revealed bytes: what every chosen encoder signs and every verifier recomputes. A blob that does
 * not decode, or is another job's or encoder's, disqualifies its encoder. Refuses as `evaluateJob` does.
 */
export function evaluateReveals(job: RevealedJob): Result<EvaluatedReveals> {
  const evaluated = new Set(job.reveals.map(({ encoder }) => encoder));
  const evaluation = evaluateJob({
    chainId: job.chainId,
    jobSeed: jobSeed(job.chainId, fromHex(job.beacon), fromHex(job.job)),
    dimension: job.dimension,
    masksOfItem: job.masksOfItem,
    meanNormSquared: job.meanNormSquared,
    encoders: job.reveals.map(({ encoder, blob }) => ({
      id: encoder,
      reveal: vectorsOf(job, encoder, blob),
    })),
    latencyOrder: job.selected.filter((encoder) => evaluated.has(encoder)),
  });
  if (!evaluation.ok) return evaluation;
  const { winner } = evaluation.value;
  const zero = new Uint8Array(2 * job.dimension);
  const finals =
    winner === null
      ? []
      : evaluation.value.finals.map((final) => (final === null ? zero : vectorBytes(final)));
  const result: EvaluationResult = {
    job: job.job,
    selection: job.selection,
    bundle: job.bundle,
    scores: evaluation.value.encoders.map((encoder) => ({
      encoder: encoder.id,
      lossPpb: encoder.lossPpb,
      lofMicro: BigInt(encoder.factorMicro),
      composite: BigInt(encoder.composite),
      disqualified: encoder.standing !== "qualified",
    })),
    winner,
    finalsRoot: toHex(merkleRoot(finals)),
    items: job.masksOfItem.length,
  };
  return ok({ result, finals: concatBytes(...finals), evaluation: evaluation.value });
}

/** Bytes that the encoding of a blob's and an item's lengths may take. */
const BLOB_OVERHEAD = 128;
const ITEM_OVERHEAD = 16;

/** The largest blob of a job with these masks: what a seat holder downloads from a peer at most. */
export function maxBlobBytes(masksOfItem: readonly number[], dimension: number): number {
  let bytes = BLOB_OVERHEAD;
  for (const masks of masksOfItem) bytes += ITEM_OVERHEAD + (2 * masks + 1) * (2 * dimension + 4);
  return bytes;
}

/** Vectors of every item; the empty list, which no job has, for a blob that is not this encoder's for this job. */
function vectorsOf(job: RevealedJob, encoder: EncoderId, blob: Uint8Array): ItemEmbeddings[] {
  const { dimension, masksOfItem } = job;
  return readEmbeddingBlob(blob, { job: job.job, encoder, dimension, masksOfItem }) ?? [];
}
