import { ceilDiv, floorDiv } from "@soma/base";
import { squaredNorm } from "./geometry.ts";

/** num/den with den > 0. Compared by cross-multiplication; need not be reduced. */
export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

/** The squared norms, in squared quanta, that pass SPACE-2: both ends inclusive. */
export interface NormBands {
  readonly full: { readonly low: number; readonly high: number };
  readonly mask: { readonly low: number; readonly high: number };
}

const BIGGEST = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * SPACE-2 as integer bounds. With m^2 = `meanNormSquared` (the square of the anchors' mean norm, in squared
 * quanta): m^2/4 <= |f|^2 <= 4 m^2, and m^2/256 <= |v|^2 <= 16 m^2 for masks and inverses. Squared norms are
 * integers, so rounding the bounds inwards changes nothing. m^2 > 0.
 */
export function normBands(meanNormSquared: bigint | Rational): NormBands {
  const { num, den } =
    typeof meanNormSquared === "bigint" ? { num: meanNormSquared, den: 1n } : meanNormSquared;
  const band = (below: bigint, above: bigint) => ({
    low: clamp(ceilDiv(num, den * below)),
    high: clamp(floorDiv(num * above, den)),
  });
  return { full: band(4n, 4n), mask: band(256n, 16n) };
}

/** Whether the vectors of one item lie within the bands (SPACE-2). */
export function spaceGates(
  full: Int16Array,
  masks: readonly Int16Array[],
  inverses: readonly Int16Array[],
  meanNormSquared: bigint | Rational,
): { full: boolean; masks: boolean } {
  const bands = normBands(meanNormSquared);
  const inMaskBand = (v: Int16Array) => within(squaredNorm(v), bands.mask);
  return {
    full: within(squaredNorm(full), bands.full),
    masks: masks.every(inMaskBand) && inverses.every(inMaskBand),
  };
}

export function within(value: number, band: { readonly low: number; readonly high: number }): boolean {
  return value >= band.low && value <= band.high;
}

/** Squared norms stay below 2^53, so a bound beyond it acts as 2^53 - 1 does. */
function clamp(bound: bigint): number {
  return Number(bound > BIGGEST ? BIGGEST : bound);
}
