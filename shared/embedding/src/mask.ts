import { err, ok, type Result } from "@soma/base";
import { greater, lesser } from "./extremes.ts";
import { type IntegerStream, type MaskSeed, maskSeedStream } from "./mask-stream.ts";

/** Share of an item's elements that a mask selects, in per cent (MASK-1). */
export const MASK_PERCENT = { text: 15, image: 85, video: 90, audio: 50 } as const;
export type MaskModality = keyof typeof MASK_PERCENT;
/** Masks of an item, K (MASK-2). */
export const MASKS = 8;
/** Bound on K that any parameter may set; keeps the sums of the dispersion exact. */
export const MAX_MASKS = 32;
/** Elements of an item at most (MASK-1); longer items are split by the client. */
export const MAX_ELEMENTS = 4096;

export interface MaskRequest extends MaskSeed {
  /** Elements of the tokenised item, L. */
  readonly length: number;
  readonly modality: MaskModality;
  /** Masks wanted, K. */
  readonly masks: number;
}

/** Elements a mask selects: clamp(floor((2*rho*L + 100)/200), 1, L-1), rho in per cent (MASK-1). L >= 2. */
export function maskCount(length: number, percent: number): number {
  const doubled = 2 * percent * length + 100;
  const rounded = (doubled - (doubled % 200)) / 200;
  return lesser(greater(rounded, 1), length - 1);
}

/** min(C(length, count), cap), exact: how many distinct masks exist. */
export function distinctMasks(length: number, count: number, cap: number): number {
  const take = lesser(count, length - count);
  let ways = 1;
  // C(length, i) rises with i up to length/2, so the first value at the cap decides.
  for (let i = 1; i <= take && ways < cap; i++) ways = (ways * (length - i + 1)) / i;
  return lesser(ways, cap);
}

/**
 * The masks of one item (MASK-2): for each a sorted list of selected indices, all lists distinct. There are
 * min(K, C(L, n_mask)) of them. A mask equal to an earlier one is drawn again from the same stream, which
 * goes on where it stands.
 *
 * Refusals: MASK_MODALITY, MASK_COUNT (K not in 2..32), MASK_SEED (a hash that is not 32 bytes),
 * MASK_TOO_LONG (L > 4096), MASK_TOO_SHORT (fewer than two distinct masks exist: L < 2).
 */
export function drawMasks(request: MaskRequest): Result<number[][]> {
  const { length, modality, masks } = request;
  if (!Object.hasOwn(MASK_PERCENT, modality)) return err("MASK_MODALITY", `no modality ${modality}`);
  if (!Number.isInteger(masks) || masks < 2 || masks > MAX_MASKS) {
    return err("MASK_COUNT", `${masks} masks, not 2..${MAX_MASKS}`);
  }
  for (const hash of [request.block, request.beacon, request.dataHash]) {
    if (hash.length !== 32) return err("MASK_SEED", `a hash of ${hash.length} bytes, not 32`);
  }
  if (!Number.isInteger(length) || length < 2) return err("MASK_TOO_SHORT", `${length} elements`);
  if (length > MAX_ELEMENTS) return err("MASK_TOO_LONG", `${length} elements, more than ${MAX_ELEMENTS}`);

  const count = maskCount(length, MASK_PERCENT[modality]);
  const wanted = distinctMasks(length, count, masks);
  const drawn: number[][] = [];
  const seen = new Set<string>();
  for (let index = 0; index < wanted; index++) {
    const stream = maskSeedStream(request, index);
    let mask = drawOne(stream, length, count);
    while (seen.has(mask.join())) mask = drawOne(stream, length, count);
    seen.add(mask.join());
    drawn.push(mask);
  }
  return ok(drawn);
}

/** Partial Fisher-Yates over 0..length-1: place i takes one of the places i..length-1. */
function drawOne(stream: IntegerStream, length: number, count: number): number[] {
  const places = new Uint16Array(length);
  for (let i = 0; i < length; i++) places[i] = i;
  for (let i = 0; i < count; i++) {
    const j = i + stream.below(length - i);
    const taken = places[j]!;
    places[j] = places[i]!;
    places[i] = taken;
  }
  return [...places.subarray(0, count).sort()];
}

/**
 * The two masked forms of an item's token ids (MASK-3): "mask" keeps the selected elements and holds the
 * mask token elsewhere; "inverse" holds the mask token at the selected ones and keeps the rest.
 */
export function applyMask(
  ids: ArrayLike<number>,
  selected: readonly number[],
  maskId: number,
): { mask: Int32Array; inverse: Int32Array } {
  const mask = new Int32Array(ids.length).fill(maskId);
  const inverse = Int32Array.from(ids);
  for (const i of selected) {
    if (i >= ids.length) continue;
    mask[i] = ids[i]!;
    inverse[i] = maskId;
  }
  return { mask, inverse };
}
