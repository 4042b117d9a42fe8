import { checkBlock, clockRounds, decide, quorum } from "@soma/consensus/core";
import { z } from "zod";
import { integer } from "./fields.ts";
import { conformanceFunction } from "./function.ts";

/** A stake or a total: a number, or a decimal string where it passes 2^53. */
const stake = z.union([integer, z.string()]);
const stakes = z.array(stake);
/** A scenario decides every slot up to its highest round, so that its length is bounded by this, not by its text. */
const MAX_ROUND = 10_000;

const scenario = z.object({
  stakes,
  gcDepth: integer.nullable(),
  schedule: z.record(z.string(), z.never()),
  blocks: z.array(
    z.object({
      id: z.string(),
      author: integer,
      round: integer.max(MAX_ROUND),
      ancestors: z.array(z.string()),
      ts: integer,
    }),
  ),
  upToRound: integer,
  exclude: z.array(z.string()).default([]),
});

const blockCheck = z.object({
  stakes,
  block: z.object({
    author: integer,
    round: integer,
    epoch: integer.default(0),
    ancestors: z.array(z.string()),
  }),
  refs: z.record(z.string(), z.tuple([integer, integer])),
});

/** CONS-1 to CONS-6 on DAG scenarios. */
export const consensusFunctions = {
  "consensus.decide": conformanceFunction(scenario, (input) => decide(input)),
  "consensus.verifyBlock": conformanceFunction(blockCheck, (input) => checkBlock(input)),
  "consensus.clock": conformanceFunction(
    z.object({ stakes, start: integer, blocks: z.array(z.tuple([z.string(), integer])) }),
    (input) => clockRounds(input),
  ),
  "consensus.quorum": conformanceFunction(z.object({ total: stake }), (input) => quorum(input)),
};
