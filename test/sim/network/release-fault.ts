import { ok, type Result } from "@soma/base";
import type { Settlement, SettlementInput } from "@soma/protocol";
import { settleEpoch } from "@soma/rewards/core";
import type { LedgerRules } from "@soma/state/core";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";

/** What is wrong with the release that all validators of a run have (DESIGN section 4). */
export type ReleaseFault =
  /** Rewards gives more than the emission when it settles this epoch. */
  | { readonly kind: "settlement"; readonly epoch: bigint }
  /** The ledger makes money out of certain transactions, or throws over them. */
  | { readonly kind: "execution"; readonly how: "mints" | "throws" };

/** One transaction in so many trips the ledger up. */
const ONE_IN = 64;

export function isPoison(digest: string): boolean {
  return Number.parseInt(digest.slice(0, 4), 16) % ONE_IN === 0;
}

export function settleAs(fault: ReleaseFault | null, input: SettlementInput): Result<Settlement> {
  const settled = settleEpoch(SIM_CHAIN, input);
  if (!settled.ok || fault?.kind !== "settlement" || fault.epoch !== input.epoch) return settled;
  const account = input.validators[0]!.operator;
  return ok({ ...settled.value, payments: [{ account, amount: 1n << 60n }] });
}

export function faultyRules(fault: ReleaseFault | null, rules: LedgerRules): LedgerRules {
  if (fault?.kind !== "execution") return rules;
  return {
    ...rules,
    authorise: (store, chainId, carried) => {
      const authorised = rules.authorise(store, chainId, carried);
      if (!authorised.ok || !isPoison(carried.digest)) return authorised;
      if (fault.how === "throws") throw new RangeError("a record is missing");
      // Burned, and taken from nobody.
      rules.burnFee(store, 1n);
      return authorised;
    },
  };
}
