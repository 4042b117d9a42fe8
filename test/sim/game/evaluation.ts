import { toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { type EvaluatedEncoder, evaluateJob, vectorBytes } from "@soma/embedding";
import type { EvaluationResult } from "@soma/protocol";
import type { Job } from "@soma/state/core";
import { DIMENSION, MASKS, MEAN_NORM_SQUARED } from "./vectors.ts";
import { CHAIN } from "./world.ts";

export interface Evaluated {
  readonly result: EvaluationResult;
  readonly finals: Uint8Array;
}

/** GAME-7 over the revealed vectors: what an honest encoder signs. */
export function evaluateSet(job: Job, encoders: readonly EvaluatedEncoder[], jobSeed: Uint8Array): Evaluated {
  const members = new Set(encoders.map((encoder) => encoder.id));
  const evaluated = evaluateJob({
    chainId: CHAIN,
    jobSeed,
    dimension: DIMENSION,
    masksOfItem: [MASKS],
    meanNormSquared: MEAN_NORM_SQUARED,
    encoders,
    latencyOrder: job.chosen.map((entry) => entry.encoder).filter((id) => members.has(id)),
  });
  if (!evaluated.ok) throw new Error(evaluated.code);
  const { winner, finals } = evaluated.value;
  const bytes = winner === null ? new Uint8Array() : vectorBytes(finals[0] ?? new Int16Array(DIMENSION));
  return {
    finals: bytes,
    result: {
      job: job.id,
      selection: job.selection!,
      bundle: job.evaluatedSet!,
      scores: evaluated.value.encoders.map((encoder) => ({
        encoder: encoder.id,
        lossPpb: encoder.lossPpb,
        lofMicro: BigInt(encoder.factorMicro),
        composite: BigInt(encoder.composite),
        disqualified: encoder.standing !== "qualified",
      })),
      winner,
      finalsRoot: toHex(merkleRoot(winner === null ? [] : [bytes])),
      items: 1,
    },
  };
}

/** A result that makes `favourite` win whatever was revealed. */
export function forge(honest: Evaluated, favourite: string): Evaluated {
  const finals = new Uint8Array(DIMENSION * 2);
  return {
    finals,
    result: {
      ...honest.result,
      winner: favourite,
      scores: honest.result.scores.map((score) =>
        score.encoder === favourite ? { ...score, lossPpb: 0n, disqualified: false } : score,
      ),
      finalsRoot: toHex(merkleRoot([finals])),
    },
  };
}
