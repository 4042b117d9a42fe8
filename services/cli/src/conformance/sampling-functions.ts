import { err, ok, type Result, toHex } from "@soma/base";
import { merklePath, merkleRoot } from "@soma/crypto";
import {
  type Candidate,
  formatRational,
  hypergeometricTail,
  parseDecimal,
  type Rational,
  sampleSeats,
  sampleWeighted,
  shardSeats,
  shardSize,
} from "@soma/sampling";
import { z } from "zod";
import { bytes, fraction, hexText, integer, natural } from "./fields.ts";
import { conformanceFunction } from "./function.ts";

const electorate = z
  .object({ seed: bytes, ids: z.array(hexText), stakes: z.array(natural) })
  .refine(({ ids, stakes }) => ids.length === stakes.length, "one stake for each id");

function candidates({ ids, stakes }: z.output<typeof electorate>): Candidate[] {
  return ids.map((id, i) => ({ id, stake: stakes[i]! }));
}

function map<T, U>(result: Result<T>, to: (value: T) => U): Result<U> {
  return result.ok ? ok(to(result.value)) : result;
}

const toIndices = (result: Result<number[]>) => map(result, (indices) => ({ indices }));

/** `budget` as exact value, then the question that it belongs to. */
function withBudget(text: string, answer: (budget: Rational) => Result<unknown>): Result<unknown> {
  const budget = parseDecimal(text);
  return budget.ok ? answer(budget.value) : budget;
}

/** SAMPLE-1, SAMPLE-2, SHARD-1, SHARD-2 and MERKLE-1. */
export const samplingFunctions = {
  "sample.weighted": conformanceFunction(electorate.and(z.object({ m: integer })), (input) =>
    toIndices(sampleWeighted(input.seed, candidates(input), input.m)),
  ),
  "sample.seats": conformanceFunction(electorate.and(z.object({ n: integer })), (input) =>
    toIndices(sampleSeats(input.seed, candidates(input), input.n)),
  ),
  "shard.size": conformanceFunction(
    z.object({
      encoders: integer,
      dishonest: fraction,
      quorum: fraction,
      budget: z.string(),
      rounding: z.enum(["ceil", "floor"]),
    }),
    (input) => withBudget(input.budget, (budget) => shardSize({ ...input, budget })),
  ),
  "shard.seats": conformanceFunction(
    z.object({ dishonest: fraction, quorum: fraction, budget: z.string() }),
    ({ dishonest, quorum, budget }) => withBudget(budget, (exact) => shardSeats(dishonest, quorum, exact)),
  ),
  "shard.tail": conformanceFunction(
    z.object({ encoders: integer, dishonestCount: integer, size: integer, threshold: integer }),
    ({ encoders, dishonestCount, size, threshold }) =>
      map(hypergeometricTail(encoders, dishonestCount, size, threshold), (tail) => ({
        tail: formatRational(tail),
      })),
  ),
  "merkle.root": conformanceFunction(z.object({ leaves: z.array(bytes) }), ({ leaves }) =>
    ok({ root: toHex(merkleRoot(leaves)) }),
  ),
  "merkle.path": conformanceFunction(
    z.object({ leaves: z.array(bytes), index: integer }),
    ({ leaves, index }) =>
      index >= 0 && index < leaves.length
        ? ok({ path: merklePath(leaves, index).map(toHex) })
        : err("MERKLE_INDEX", `no leaf ${index} among ${leaves.length}`),
  ),
};
