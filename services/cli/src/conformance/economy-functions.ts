import { ok } from "@soma/base";
import { emission, initialParameters, stableAsk } from "@soma/protocol";
import { nextBaseFee, stakeAfterVotes } from "@soma/state/core";
import { z } from "zod";
import { timesBetween } from "../sim/security/core/exact-studies.ts";
import { natural } from "./fields.ts";
import { conformanceFunction } from "./function.ts";

/** Ten thousand years of daily epochs: what a call may compute. */
const epochs = z.int().min(0).max(3_650_000);
/** Such that no answer is beyond what JSON carries. */
const positive = z.number().min(1e-100).max(1e100);

const PARAMETERS = initialParameters("production");
/** ECON-1, in tokens. */
const CAP = 1_000_000n;

/** ECON-1, ECON-2, ECON-4, ECON-7 and ECON-9, with the parameters of a production network. */
export const economyFunctions = {
  "econ.emission": conformanceFunction(z.object({ epochs, decimals: z.int().min(0).max(30) }), (input) => {
    const cap = CAP * 10n ** BigInt(input.decimals);
    let remaining = cap;
    let minted = 0n;
    for (let epoch = 0; epoch < input.epochs; epoch++) {
      minted = emission(remaining, PARAMETERS.emissionFraction);
      remaining -= minted;
      // It stays so for ever.
      if (minted === 0n) break;
    }
    return ok({
      cumulative: String(cap - remaining),
      emission: String(minted),
      remaining: String(remaining),
    });
  }),
  "econ.baseFee": conformanceFunction(
    z.object({ fee: natural, burned: natural, circulating: natural }),
    ({ fee, burned, circulating }) => ok({ fee: String(nextBaseFee(PARAMETERS, fee, burned, circulating)) }),
  ),
  "econ.price": conformanceFunction(z.object({ asks: z.array(z.tuple([natural, natural])) }), ({ asks }) =>
    ok({
      price: asks.length === 0 ? null : String(stableAsk(asks.map(([price, stake]) => ({ price, stake })))),
    }),
  ),
  "econ.slash": conformanceFunction(z.object({ stake: natural, epochs }), (input) => {
    let { stake } = input;
    for (let epoch = 0; epoch < input.epochs && stake > 0n; epoch++) {
      stake = stakeAfterVotes(stake, PARAMETERS.slashVotesBps);
    }
    return ok({ stake: String(stake) });
  }),
  "econ.poisson": conformanceFunction(
    z.object({ probability: positive.max(1), perSecond: positive }),
    ({ probability, perSecond }) => {
      const { mean, median } = timesBetween(probability * perSecond);
      return ok({ meanSeconds: mean, medianSeconds: median });
    },
  ),
};
