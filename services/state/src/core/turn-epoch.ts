import { atOnce, err, ok, type Result, type Sliced } from "@soma/base";
import type { Digest, EpochInfo, Override, Settlement, SettlementInput } from "@soma/protocol";
import { keepLeaves } from "./checkpoint.ts";
import { openNextEpoch } from "./epoch.ts";
import type { Ledger } from "./ledger.ts";
import { type HaltPoint, overrideFits, overrideLeaf, setEntries } from "./override.ts";
import { paySettlement, settlementInputOf } from "./settlement.ts";
import type { Change } from "./store.ts";
import { circulating } from "./supply.ts";
import { wholly } from "./whole.ts";

/** An epoch that was settled and turned. */
export interface SettledEpoch {
  readonly next: EpochInfo;
  readonly changes: readonly Change[];
  readonly stateDigest: Digest;
}

/**
 * DESIGN 4: applies the settlement of the closing commit and opens the next epoch. Refusals: SETTLEMENT_UNDUE and those
 * of `paySettlement`; SUPPLY_BREACH and LEDGER_FAULT as for `executeCommit`; after a refusal the ledger is as it was.
 */
export function applySettlement(ledger: Ledger, settlement: Settlement): Result<SettledEpoch> {
  return atOnce(wholly(ledger, () => settleAndTurn(ledger, settlement)));
}

/** The settlement that quorum stake decided, signatures checked. Refusals: also OVERRIDE_POINT and OVERRIDE_ENTRY. */
export function overrideSettlement(ledger: Ledger, override: Override): Result<SettledEpoch> {
  return atOnce(wholly(ledger, () => settleOverridden(ledger, override)));
}

function* settleOverridden(ledger: Ledger, override: Override): Sliced<Result<SettledEpoch>> {
  const { resolution } = override;
  if (!ledger.head.closing) return err("SETTLEMENT_UNDUE", "no epoch is closing");
  const fits = overrideFits(settlementPoint(ledger), override);
  if (!fits.ok) return fits;
  if (resolution.Settle === undefined) return err("OVERRIDE_POINT", "it settles nothing");
  const set = setEntries(ledger, override);
  if (!set.ok) return set;
  yield* keepLeaves(ledger.store, [overrideLeaf(ledger.chainId, override)], true);
  return yield* settleAndTurn(ledger, resolution.Settle.settlement);
}

/** Where a ledger halts whose closing commit cannot be settled. */
export function settlementPoint(ledger: Ledger): HaltPoint {
  const { epoch, commit, commitDigest: digest } = ledger.head;
  return { epoch, commit, commitDigest: digest, stateDigest: ledger.stateDigest(), stage: "settlement" };
}

function* settleAndTurn(ledger: Ledger, settlement: Settlement): Sliced<Result<SettledEpoch>> {
  const { store, chainId, parameters } = ledger;
  if (!ledger.head.closing) return err("SETTLEMENT_UNDUE", "no epoch is closing");
  const paid = paySettlement(store, chainId, parameters, settlement);
  if (!paid.ok) return paid;
  const next = openNextEpoch(store, parameters, circulating(ledger.supply));
  const sealed = yield* ledger.seal();
  if (!sealed.ok) return sealed;
  return ok({ next, changes: sealed.value, stateDigest: ledger.stateDigest() });
}

/** What the closing epoch's settlement depends on; null while none is due. For a shell that restarts in between. */
export function settlementInput(ledger: Ledger): SettlementInput | null {
  return ledger.head.closing ? settlementInputOf(ledger.store, ledger.parameters) : null;
}
