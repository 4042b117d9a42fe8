import type { Rng } from "@soma/base";
import type { ItemEmbeddings } from "@soma/embedding";

export const DIMENSION = 16;
export const MASKS = 6;
const TOKENS = 24;
const MASKED = 4;
/** About the mean norm of honest vectors, in quanta. */
const NORM = 6_000;
export const MEAN_NORM_SQUARED = BigInt(NORM) * BigInt(NORM);

/** One piece of data as the game sees it: latent token vectors, and which tokens each mask keeps. */
export interface Datum {
  readonly tokens: readonly (readonly number[])[];
  readonly masks: readonly ReadonlySet<number>[];
}

/** How an encoder turns a datum into vectors. */
export type VectorKind =
  | "honest"
  | "bag-of-words"
  | "good-bag-of-words"
  | "huge"
  | "constant"
  | "malformed"
  | "random";

export function drawDatum(rng: Rng): Datum {
  const scale = NORM / Math.sqrt(TOKENS * DIMENSION);
  const tokens = Array.from({ length: TOKENS }, () => gaussians(rng, DIMENSION).map((x) => x * scale));
  const masks = Array.from(
    { length: MASKS },
    () => new Set(rng.shuffle(Array.from({ length: TOKENS }, (_, i) => i)).slice(0, MASKED)),
  );
  return { tokens, masks };
}

/** The vectors of one encoder. `noise` is its error relative to the norm: the lower, the better it is. */
export function embed(datum: Datum, kind: VectorKind, noise: number, rng: Rng): ItemEmbeddings {
  switch (kind) {
    case "honest":
      return fromParts(datum, (tokens) => addNoise(sum(tokens), noise, rng));
    case "random":
      return fromParts(datum, () => gaussians(rng, DIMENSION).map((x) => (x * NORM) / Math.sqrt(DIMENSION)));
    case "bag-of-words":
      return bagOfWords(datum, 0.7, rng);
    case "good-bag-of-words":
      return bagOfWords(datum, 0.95, rng);
    case "huge":
      return fromParts(datum, (tokens) => sum(tokens).map((x) => 5 * x));
    case "constant":
      return fromParts(datum, () => datum.tokens[0]!.map((x) => 4 * x));
    case "malformed":
      // What a NaN becomes: quantisation refuses it (ARITH-2), so its sender can only send too few vectors.
      return { full: new Int16Array(DIMENSION), masks: [], inverses: [] };
  }
}

/** Exactly additive over its own token vectors, whose cosine to the latent ones is `agreement`. */
function bagOfWords(datum: Datum, agreement: number, rng: Rng): ItemEmbeddings {
  const rest = Math.sqrt(1 - agreement * agreement);
  const own = datum.tokens.map((token) => {
    const other = gaussians(rng, DIMENSION);
    const size = Math.hypot(...token) / Math.sqrt(DIMENSION);
    return token.map((x, d) => Math.round(agreement * x + rest * size * other[d]!));
  });
  return fromParts({ ...datum, tokens: own }, sum);
}

function fromParts(
  datum: Datum,
  encode: (tokens: readonly (readonly number[])[]) => readonly number[],
): ItemEmbeddings {
  const kept = (keep: (index: number) => boolean) =>
    quantised(encode(datum.tokens.filter((_, index) => keep(index))));
  return {
    full: kept(() => true),
    masks: datum.masks.map((mask) => kept((index) => mask.has(index))),
    inverses: datum.masks.map((mask) => kept((index) => !mask.has(index))),
  };
}

function quantised(vector: readonly number[]): Int16Array {
  return Int16Array.from(vector, (x) => Math.max(-32_767, Math.min(32_767, Math.round(x))));
}

function sum(vectors: readonly (readonly number[])[]): number[] {
  const out = new Array<number>(DIMENSION).fill(0);
  for (const vector of vectors) for (let d = 0; d < DIMENSION; d++) out[d]! += vector[d]!;
  return out;
}

function addNoise(vector: readonly number[], noise: number, rng: Rng): number[] {
  const scale = (noise * NORM) / Math.sqrt(DIMENSION);
  const errors = gaussians(rng, DIMENSION);
  return vector.map((x, d) => x + scale * errors[d]!);
}

/** Standard normal numbers by Box and Muller. */
function gaussians(rng: Rng, n: number): number[] {
  return Array.from({ length: n }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - rng.float()));
    return radius * Math.cos(2 * Math.PI * rng.float());
  });
}
