import { err, ok, type Result } from "@soma/base";
import {
  composite,
  differentialLoss,
  drawMasks,
  outlierFactors,
  quantise,
  vectorOf,
  weightedAverage,
  weights,
} from "@soma/embedding";
import { z } from "zod";
import { CHAIN_ID } from "./chain.ts";
import { bytes, integer, natural, numbers } from "./fields.ts";
import { conformanceFunction, INPUT_INVALID } from "./function.ts";

/** More points than any shard has seats; distances between all pairs are held at once. */
const MAX_POINTS = 1024;

/** Checked int16 vectors, or the refusal of the first that is none. */
function vectors(lists: readonly (readonly number[])[]): Result<Int16Array[]> {
  const out: Int16Array[] = [];
  for (const list of lists) {
    const vector = vectorOf(list);
    if (!vector.ok) return vector;
    out.push(vector.value);
  }
  return ok(out);
}

/** num/den as a number, whose digits are right however large both are. */
function toNumber({ num, den }: { readonly num: bigint; readonly den: bigint }): number {
  const scale = 2n ** 128n;
  return Number((num * scale) / den) / Number(scale);
}

const maskInput = z.object({
  block: bytes,
  data: bytes,
  length: integer,
  modality: z.enum(["text", "image", "video", "audio"]),
  masks: integer,
  /** The job's beacon (MASK-2), which CONFORMANCE.md leaves out: 32 zero bytes unless it is given. */
  beacon: bytes.default(() => new Uint8Array(32)),
});

const lossInput = z.object({ full: numbers, mask: z.array(numbers), inverse: z.array(numbers) });

const averageInput = z
  .object({ lossesPpb: z.array(natural), embeddings: z.array(numbers), excluded: z.array(integer) })
  .refine(({ excluded, lossesPpb }) => excluded.every((i) => i >= 0 && i < lossesPpb.length), {
    message: "positions of the losses",
    path: ["excluded"],
  })
  .refine(({ excluded }) => new Set(excluded).size === excluded.length, {
    message: "each position once",
    path: ["excluded"],
  });

/** ARITH-2, MASK-2, DIFF, OUTLIER-1, WEIGHT-1 and SCORE-1. */
export const embeddingFunctions = {
  "mask.indices": conformanceFunction(maskInput, ({ data, ...request }) => {
    const masks = drawMasks({ ...request, dataHash: data, chainId: CHAIN_ID });
    return masks.ok ? ok({ masks: masks.value }) : masks;
  }),
  "embedding.quantise": conformanceFunction(z.object({ vector: numbers }), ({ vector }) => {
    const quantised = quantise(vector);
    return quantised.ok ? ok({ q: [...quantised.value] }) : quantised;
  }),
  "score.differentialLoss": conformanceFunction(lossInput, ({ full, mask, inverse }) => {
    const read = vectors([full, ...mask, ...inverse]);
    if (!read.ok) return read;
    const [first, ...rest] = read.value;
    const masks = rest.slice(0, mask.length);
    const loss = differentialLoss(first!, masks, rest.slice(mask.length));
    if (!loss.ok) return loss;
    const { ppb, dispersion, gates } = loss.value;
    return ok({ ppb: ppb.toString(), dispersion: toNumber(dispersion), gates });
  }),
  "score.outlier": conformanceFunction(
    z.object({ points: z.array(numbers), k: integer.optional() }),
    ({ points, k }) => {
      if (points.length > MAX_POINTS) return err(INPUT_INVALID, `points: at most ${MAX_POINTS}`);
      const factors = outlierFactors(points, k);
      return factors.ok ? ok({ lof: factors.value.lof, lrd: factors.value.lrd }) : factors;
    },
  ),
  "score.weightedAverage": conformanceFunction(averageInput, ({ lossesPpb, embeddings, excluded }) => {
    const read = vectors(embeddings);
    if (!read.ok) return read;
    const shares = weights(lossesPpb, { disqualified: new Set(excluded) });
    if (!shares.ok) return shares;
    const average = weightedAverage(shares.value, read.value);
    if (!average.ok) return average;
    return ok({ weights: shares.value.map(String), average: [...average.value] });
  }),
  "score.composite": conformanceFunction(
    z.object({ loss: numbers, lof: numbers, latency: numbers }),
    (input) => {
      const ranks = composite(input);
      return ranks.ok ? ok({ composite: ranks.value.composite, winner: ranks.value.winner }) : ranks;
    },
  ),
};
