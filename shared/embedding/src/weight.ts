import { err, floorDiv, ok, type Result } from "@soma/base";
import { MAX_LOSS_PPB } from "./differential-loss.ts";

/** Added to every loss, so that no encoder outweighs another by more than nine (WEIGHT-1). */
const LOSS_FLOOR_PPB = 250_000_000n;
const UNIT = 1n << 64n;
/** Weights are split at this bit so that their products with coordinates add up exactly in doubles. */
const SPLIT_BITS = 20n;
const SPLIT = 1_048_576;
const WEIGHT_LIMIT = 1n << 40n;
const MAX_VECTORS = 4096;

export interface WeightOptions {
  /** Positions of weight 0. */
  readonly disqualified?: ReadonlySet<number>;
  /** Positions that share one weight, evenly among those of them that are not disqualified. */
  readonly mergedGroups?: readonly (readonly number[])[];
}

/**
 * WEIGHT-1: floor(2^64 / (DL + 250 000 000)), divided (floor) by the members of its group that are not
 * disqualified. Refusals: WEIGHT_LOSS (outside 0..2*10^9).
 */
export function weights(lossesPpb: readonly bigint[], options: WeightOptions = {}): Result<bigint[]> {
  const { disqualified = new Set<number>(), mergedGroups = [] } = options;
  const sharers = new Array<bigint>(lossesPpb.length).fill(1n);
  for (const group of mergedGroups) {
    const taking = group.filter((i) => !disqualified.has(i));
    for (const i of taking) sharers[i] = BigInt(taking.length);
  }
  const out: bigint[] = [];
  for (const [i, loss] of lossesPpb.entries()) {
    if (loss < 0n || loss > MAX_LOSS_PPB) return err("WEIGHT_LOSS", `a loss of ${loss} ppb`);
    out.push(disqualified.has(i) ? 0n : UNIT / (loss + LOSS_FLOOR_PPB) / sharers[i]!);
  }
  return ok(out);
}

/**
 * final[d] = floor(sum w_i e_i[d] / sum w_i), toward minus infinity, exact (WEIGHT-1). Vectors of weight 0
 * are not read.
 *
 * Refusals: WEIGHT_COUNT (not one weight a vector, none, or more than 4096), WEIGHT_RANGE (not in 0..2^40-1),
 * WEIGHT_NONE (all weights are 0), EMBEDDING_DIMENSION.
 */
export function weightedAverage(
  vectorWeights: readonly bigint[],
  embeddings: readonly Int16Array[],
): Result<Int16Array> {
  const n = embeddings.length;
  if (vectorWeights.length !== n || n === 0 || n > MAX_VECTORS) {
    return err("WEIGHT_COUNT", `${vectorWeights.length} weights for ${n} vectors`);
  }
  let total = 0n;
  const parts: { vector: Int16Array; high: number; low: number }[] = [];
  for (let i = 0; i < n; i++) {
    const weight = vectorWeights[i]!;
    if (weight < 0n || weight >= WEIGHT_LIMIT) return err("WEIGHT_RANGE", `a weight of ${weight}`);
    if (weight === 0n) continue;
    total += weight;
    const high = Number(weight >> SPLIT_BITS);
    parts.push({ vector: embeddings[i]!, high, low: Number(weight) - high * SPLIT });
  }
  const first = parts[0];
  if (first === undefined) return err("WEIGHT_NONE", "every weight is 0");
  const dimension = first.vector.length;
  for (const { vector } of parts) {
    if (vector.length !== dimension) return err("EMBEDDING_DIMENSION", "vectors of different dimensions");
  }

  const out = new Int16Array(dimension);
  for (let d = 0; d < dimension; d++) {
    let high = 0;
    let low = 0;
    for (const part of parts) {
      const q = part.vector[d]!;
      high += part.high * q;
      low += part.low * q;
    }
    out[d] = Number(floorDiv((BigInt(high) << SPLIT_BITS) + BigInt(low), total));
  }
  return ok(out);
}
