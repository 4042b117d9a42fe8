import { err, floorDiv, ok, type Result } from "@soma/base";
import { squaredNorm } from "./geometry.ts";
import { MAX_MASKS } from "./mask.ts";
import { type NormBands, type Rational, within } from "./space-gates.ts";
import { MAX_DIMENSION } from "./vector.ts";

/** One encoder's vectors of one item (GAME-3): `masks[j]` and `inverses[j]` belong to mask j. */
export interface ItemEmbeddings {
  readonly full: Int16Array;
  readonly masks: readonly Int16Array[];
  readonly inverses: readonly Int16Array[];
}

/** Whether each gate of DIFF-2 is passed. */
export interface LossGates {
  /** All vectors have one dimension. */
  readonly dimension: boolean;
  /** As many masks as inverses, and at least two. */
  readonly counts: boolean;
  /** SPACE-2; present if bands were given. */
  readonly norms?: boolean;
  /** V >= 1/1000. */
  readonly dispersion: boolean;
}

export interface DifferentialLoss {
  /** floor(10^9 * mean loss): 0 is additive, 10^9 a constant encoder, 2 * 10^9 the worst. */
  readonly ppb: bigint;
  /** V of DIFF-2, exact; 0 if there is one mask or every vector is zero. */
  readonly dispersion: Rational;
  readonly gates: LossGates;
}

export const PPB = 1_000_000_000n;
/** The loss of an encoder that cannot do worse (DIFF-1 caps l_k at 2). */
export const MAX_LOSS_PPB = 2n * PPB;

/**
 * DIFF-1 and DIFF-2 for one item. l_k = min(2, |r|^2 (|a|^2 + |b|^2) / (2 |a|^2 |b|^2)), r = f - a - b, and 2
 * if |a| or |b| is 0; the mean over k is one exact rational.
 *
 * Refusals: EMBEDDING_COUNTS (no mask, more than 32, or another number of inverses), EMBEDDING_DIMENSION.
 */
export function differentialLoss(
  full: Int16Array,
  masks: readonly Int16Array[],
  inverses: readonly Int16Array[],
  bands?: NormBands,
): Result<DifferentialLoss> {
  const dimension = full.length;
  if (masks.length < 1 || masks.length > MAX_MASKS || masks.length !== inverses.length) {
    return err("EMBEDDING_COUNTS", `${masks.length} masks and ${inverses.length} inverses`);
  }
  if (dimension < 1 || dimension > MAX_DIMENSION) {
    return err("EMBEDDING_DIMENSION", `${dimension} coordinates, not 1..${MAX_DIMENSION}`);
  }
  for (const v of [...masks, ...inverses]) {
    if (v.length !== dimension)
      return err("EMBEDDING_DIMENSION", `${v.length} coordinates beside ${dimension}`);
  }

  // The sum of the losses over one common denominator.
  let num = 0n;
  let den = 1n;
  let total = 0;
  let masksInBand = true;
  const sumOfMasks = new Int32Array(dimension);
  const sumOfInverses = new Int32Array(dimension);
  for (let k = 0; k < masks.length; k++) {
    const a = masks[k]!;
    const b = inverses[k]!;
    let aa = 0;
    let bb = 0;
    let rr = 0;
    for (let d = 0; d < dimension; d++) {
      const x = a[d]!;
      const y = b[d]!;
      const r = full[d]! - x - y;
      aa += x * x;
      bb += y * y;
      rr += r * r;
      sumOfMasks[d] = sumOfMasks[d]! + x;
      sumOfInverses[d] = sumOfInverses[d]! + y;
    }
    total += aa + bb;
    if (bands !== undefined) masksInBand &&= within(aa, bands.mask) && within(bb, bands.mask);
    const loss = maskLoss(rr, aa, bb);
    num = num * loss.den + loss.num * den;
    den *= loss.den;
  }

  const dispersion = dispersionOf(masks.length, total, squares(sumOfMasks), squares(sumOfInverses));
  const gates = {
    dimension: true,
    counts: masks.length >= 2,
    dispersion: 1000n * dispersion.num >= dispersion.den,
  };
  return ok({
    ppb: floorDiv(PPB * num, BigInt(masks.length) * den),
    dispersion,
    gates:
      bands === undefined ? gates : { ...gates, norms: masksInBand && within(squaredNorm(full), bands.full) },
  });
}

/** l_k from |r|^2, |a|^2, |b|^2. */
function maskLoss(rr: number, aa: number, bb: number): Rational {
  if (rr === 0 && aa !== 0 && bb !== 0) return { num: 0n, den: 1n };
  if (aa === 0 || bb === 0) return { num: 2n, den: 1n };
  const num = BigInt(rr) * BigInt(aa + bb);
  const den = 2n * BigInt(aa) * BigInt(bb);
  return num >= 2n * den ? { num: 2n, den: 1n } : { num, den };
}

/**
 * V without visiting pairs: the sum over ordered pairs of |a_k - a_l|^2 is 2K sum |a_k|^2 - 2 |sum a_k|^2, so
 * V = (K T - |sum a|^2 - |sum b|^2) / ((K-1) T) with T = sum (|a_k|^2 + |b_k|^2).
 */
function dispersionOf(k: number, total: number, squaredA: number, squaredB: number): Rational {
  if (k < 2 || total === 0) return { num: 0n, den: 1n };
  return {
    num: BigInt(k) * BigInt(total) - BigInt(squaredA) - BigInt(squaredB),
    den: BigInt(k - 1) * BigInt(total),
  };
}

function squares(v: Int32Array): number {
  let sum = 0;
  for (let d = 0; d < v.length; d++) sum += v[d]! * v[d]!;
  return sum;
}
