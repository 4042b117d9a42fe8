import { compareHex, err, ok, type Result } from "@soma/base";
import {
  type Address,
  emission,
  emissionShare,
  type Parameters,
  type Settlement,
  type SettlementInput,
  settlementInputDigest,
  subsidyBound,
} from "@soma/protocol";
import { changeHead, credit, headOf } from "./money.ts";
import { encoders, epochs, inclusion, proven, validators } from "./records.ts";
import { slashStandings } from "./slash-votes.ts";
import { rewardPool } from "./stake.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** ECON-3: all that the closing epoch's settlement depends on, from the ledger alone. */
export function settlementInputOf(store: KeyedStore, parameters: Parameters): SettlementInput {
  const head = headOf(store);
  const info = epochs.get(store, numberKey(head.epoch))!;
  const standings = slashStandings(store);
  const earns = (operator: Address) => {
    const record = validators.get(store, operator);
    return record !== undefined && !record.banned && standings.get(operator)?.quorum !== true;
  };
  const emitted = {
    unminted: head.unminted,
    emissionFraction: parameters.emissionFraction,
    burned: head.burned,
  };
  return {
    epoch: head.epoch,
    ...emitted,
    feesBurned: head.feesBurned,
    shares: {
      validatorsBps: parameters.emissionValidatorsBps,
      inclusionBps: parameters.emissionInclusionBps,
      embeddingBps: parameters.emissionEmbeddingBps,
    },
    validators: info.committee.map(({ validator, stake }) => ({
      operator: validator,
      stake,
      commissionBps: validators.get(store, validator)?.commissionBps ?? 0,
      earns: earns(validator),
    })),
    inclusion: inclusion.rows(store).map(({ parts, value }) => ({
      author: parts[0]!,
      transactions: value,
      earns: earns(parts[0]!),
    })),
    winners: winnersOf(store, emissionShare(emitted, parameters.emissionEmbeddingBps)),
  };
}

/** The proven jobs by winner. Each job earns the equal part of `pot`, or its own bound where that is less. */
function winnersOf(store: KeyedStore, pot: bigint): SettlementInput["winners"] {
  const rows = proven.rows(store);
  const equal = rows.length === 0 ? 0n : pot / BigInt(rows.length);
  const winners = new Map<string, { equalJobs: bigint; boundedJobs: bigint; bounds: bigint }>();
  for (const { value } of rows) {
    const sums = winners.get(value.winner) ?? { equalJobs: 0n, boundedJobs: 0n, bounds: 0n };
    const bound = subsidyBound(value.burned);
    if (equal <= bound) sums.equalJobs += 1n;
    else {
      sums.boundedJobs += 1n;
      sums.bounds += bound;
    }
    winners.set(value.winner, sums);
  }
  return [...winners]
    .sort(([a], [b]) => compareHex(a, b))
    .map(([winner, sums]) => ({
      winner,
      commissionBps: encoders.get(store, winner)?.commissionBps ?? 0,
      ...sums,
    }));
}

/**
 * Pays what the settlement says, after checking that it is of this ledger's input and gives no more than what was
 * minted and burned. Refusals: SETTLEMENT_EPOCH, SETTLEMENT_INPUT, SETTLEMENT_MINTED, SETTLEMENT_SUM,
 * SETTLEMENT_ORDER, SETTLEMENT_ROLE.
 */
export function paySettlement(
  store: KeyedStore,
  chainId: string,
  parameters: Parameters,
  settlement: Settlement,
): Result<true> {
  const input = settlementInputOf(store, parameters);
  if (settlement.epoch !== input.epoch) return err("SETTLEMENT_EPOCH", `the epoch is ${input.epoch}`);
  if (settlement.input !== settlementInputDigest(chainId, input)) {
    return err("SETTLEMENT_INPUT", "settled from another input");
  }
  const minted = emission(input.unminted, input.emissionFraction);
  if (settlement.minted !== minted) return err("SETTLEMENT_MINTED", `the emission is ${minted}`);
  let sum = 0n;
  let last = "";
  for (const { account, amount } of settlement.payments) {
    if (account <= last) return err("SETTLEMENT_ORDER", "payments are not ascending");
    last = account;
    sum += amount;
  }
  last = "";
  for (const { role, operator, amount } of settlement.pools) {
    const key = `${role} ${operator}`;
    if (role > 1) return err("SETTLEMENT_ROLE", `no role ${role}`);
    if (key <= last) return err("SETTLEMENT_ORDER", "pools are not ascending");
    last = key;
    sum += amount;
  }
  if (sum > minted + input.burned) return err("SETTLEMENT_SUM", "it gives more than the epoch's emission");
  const head = headOf(store);
  changeHead(store, { unminted: head.unminted - minted, recyclable: head.recyclable + minted - sum });
  for (const { account, amount } of settlement.payments) credit(store, account, amount);
  for (const { role, operator, amount } of settlement.pools) {
    rewardPool(store, role === 0 ? "validator" : "encoder", operator, amount);
  }
  return ok(true);
}
