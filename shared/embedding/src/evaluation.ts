import type { ItemEmbeddings } from "./differential-loss.ts";
import type { Rational } from "./space-gates.ts";

/**
 * What became of one encoder on one item, in the order of the checks; its position is its number in the
 * evaluation's bytes.
 */
export const ITEM_VERDICTS = ["qualified", "absent", "norms", "dispersion", "outlier"] as const;
export type ItemVerdict = (typeof ITEM_VERDICTS)[number];

/** What became of one encoder in the job; its position is its number in the evaluation's bytes. */
export const STANDINGS = ["qualified", "silent", "malformed", "disqualified"] as const;
export type Standing = (typeof STANDINGS)[number];

/** A chosen encoder, once however many seats it holds (SHARD-4). */
export interface EvaluatedEncoder {
  /** 32 bytes as lower-case hex. */
  readonly id: string;
  /** Who embedded for it, if that was another; encoders with one proxy are one point (GAME-10). */
  readonly proxy?: string | null;
  /** Its vectors of every item in order; null if it did not reveal. */
  readonly reveal: readonly ItemEmbeddings[] | null;
}

export interface JobToEvaluate {
  readonly chainId: string;
  /** 32 bytes: the seed of the job's shard draw (SHARD-3). */
  readonly jobSeed: Uint8Array;
  readonly dimension: number;
  /** For each item how many masks it has: `drawMasks(...).length`. */
  readonly masksOfItem: readonly number[];
  /** Square of the anchors' mean norm in squared quanta (SPACE-2). */
  readonly meanNormSquared: bigint | Rational;
  readonly encoders: readonly EvaluatedEncoder[];
  /** Ids, fastest first, as the selection orders them; an id that is missing is slower than all others. */
  readonly latencyOrder: readonly string[];
}

export interface EncoderEvaluation {
  readonly id: string;
  readonly standing: Standing;
  /** floor of the mean loss over the scored items. */
  readonly lossPpb: bigint;
  /** floor of the mean of round(LOF * 10^6) over the scored items. */
  readonly factorMicro: number;
  /** Doubled ranks (SCORE-1). */
  readonly ranks: { readonly loss: number; readonly lof: number; readonly latency: number };
  readonly composite: number;
  readonly percentilePpm: number;
  /** Scored items on which it was not qualified. */
  readonly refusedItems: number;
}

/** Lists by encoder stand in the order of `JobEvaluation.encoders`. */
export interface ItemEvaluation {
  /** False if no encoder passed; such an item counts for nobody. */
  readonly scored: boolean;
  readonly verdicts: readonly ItemVerdict[];
  readonly lossesPpb: readonly bigint[];
  readonly factorsMicro: readonly number[];
  /** WEIGHT-1; 0 for whoever is not qualified on the item or in the job. */
  readonly weights: readonly bigint[];
  /** The item's embedding; null if every weight is 0. */
  readonly final: Int16Array | null;
}

export interface JobEvaluation {
  readonly chainId: string;
  readonly jobSeed: Uint8Array;
  readonly dimension: number;
  /** In rising order of id. */
  readonly encoders: readonly EncoderEvaluation[];
  readonly items: readonly ItemEvaluation[];
  /** Null if all are disqualified (GAME-9). */
  readonly winner: string | null;
  /** Ids whose standing is not `qualified`, rising. */
  readonly excluded: readonly string[];
  readonly finals: readonly (Int16Array | null)[];
}
