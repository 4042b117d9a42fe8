import { err, ok, type Result } from "@soma/base";
import type { EvaluationRequested, Payload } from "@soma/contracts";
import type { ItemVerdict, JobEvaluation } from "@soma/embedding";
import { type EvaluationResult, embeddingDigest, evaluateReveals, maxBlobBytes } from "@soma/protocol";

export type EvaluationRequest = Payload<typeof EvaluationRequested>;
type RevealedVectors = EvaluationRequest["reveals"][number];

/** The most bytes that a reveal of this job can have. */
export function largestBlob(request: EvaluationRequest): number {
  return maxBlobBytes(request.masksOfItem, request.dimension);
}

/** Whether a blob is what the reveal signed: the address by which it came was signed by nobody (GAME-5). */
export function isRevealed(request: EvaluationRequest, reveal: RevealedVectors, blob: Uint8Array): boolean {
  return embeddingDigest(request.chainId, blob) === reveal.embeddingDigest;
}

/** A scorer's answer: the result that is signed, and the final vectors that go with it. */
export interface Evaluated {
  readonly result: EvaluationResult;
  /** Empty when nobody qualified: then there are none (GAME-8). */
  readonly finals: Uint8Array;
  /** Why encoders were left out, one entry each: `malformed`, or the gate that refused most of their items. */
  readonly exclusions: readonly Exclusion[];
}

export type Exclusion = "silent" | "malformed" | ItemVerdict;

/**
 * GAME-7 of a request whose blobs, in the order of its reveals, are at hand. Refuses as `evaluateReveals` does,
 * and EVALUATION_BLOBS when their number is another.
 */
export function evaluateRequest(request: EvaluationRequest, blobs: readonly Uint8Array[]): Result<Evaluated> {
  if (blobs.length !== request.reveals.length) return err("EVALUATION_BLOBS", "a blob for each reveal");
  const evaluated = evaluateReveals({
    chainId: request.chainId,
    job: request.job,
    selection: request.selection,
    bundle: request.bundle,
    beacon: request.beacon,
    dimension: request.dimension,
    masksOfItem: request.masksOfItem,
    meanNormSquared: request.meanNormSquared,
    reveals: request.reveals.map(({ encoder }, i) => ({ encoder, blob: blobs[i]! })),
    selected: request.selected,
  });
  if (!evaluated.ok) return evaluated;
  const { result, finals, evaluation } = evaluated.value;
  return ok({
    result,
    finals: result.winner === null ? new Uint8Array(0) : finals,
    exclusions: evaluation.encoders.flatMap((_, at) => exclusionOf(evaluation, at) ?? []),
  });
}

function exclusionOf({ encoders, items }: JobEvaluation, at: number): Exclusion | undefined {
  const { standing } = encoders[at]!;
  if (standing === "qualified") return undefined;
  if (standing !== "disqualified") return standing;
  const counts = new Map<ItemVerdict, number>();
  for (const { verdicts } of items) counts.set(verdicts[at]!, (counts.get(verdicts[at]!) ?? 0) + 1);
  counts.delete("qualified");
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
