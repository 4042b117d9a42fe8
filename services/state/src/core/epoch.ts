import {
  type CommitteeMember,
  type EpochInfo,
  MODALITIES,
  type Parameters,
  type RosterEntry,
  stableAsk,
} from "@soma/protocol";
import { nextBaseFee, nextPrice } from "./economy.ts";
import { changeHead, headOf } from "./money.ts";
import { slashPerformance } from "./performance.ts";
import { constants, encoders, epochs, inclusion, jobs, proven, validators } from "./records.ts";
import { type Ranking, seated } from "./seats.ts";
import { lapseSlashVotes, slashByVotes } from "./slash-votes.ts";
import { poolOf, releaseBonds, turnStake } from "./stake.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/**
 * Turns the epoch after its settlement: performance and votes slash, stake and commissions change, who left or fell below the minimum
 * goes, prices and base fee follow, and the next epoch's facts are fixed from what then stands.
 */
export function openNextEpoch(store: KeyedStore, parameters: Parameters, circulating: bigint): EpochInfo {
  const head = headOf(store);
  const before = epochs.get(store, numberKey(head.epoch))!;
  const epoch = head.epoch + 1n;
  const ranking = { chainId: constants.get(store, "all")!.chainId, seed: head.beacon };
  slashPerformance(store, parameters, head.epoch, ranking);
  slashByVotes(store, parameters);
  turnStake(store, parameters, epoch);
  releaseBonds(store, epoch);
  const committee = turnValidators(store, parameters, ranking);
  const roster = turnEncoders(store, parameters, ranking);
  const info: EpochInfo = {
    epoch,
    startTimestampMs: head.timestampMs,
    lastCommit: head.commit,
    seed: head.beacon,
    lastBlock: head.leaderBlock,
    // Without anybody eligible the network could not even be repaired: those who ran it go on.
    committee: committee.length > 0 ? committee : before.committee,
    roster,
    prices: MODALITIES.map((_, modality) =>
      nextPrice(before.prices[modality] ?? 0n, asked(roster, modality)),
    ),
    baseFee: nextBaseFee(parameters, before.baseFee, head.feesBurned, circulating),
    protocolVersion: before.protocolVersion,
    parameters: before.parameters,
  };
  epochs.put(store, info, numberKey(epoch));
  lapseSlashVotes(store, info.committee);
  for (const { parts } of inclusion.rows(store)) inclusion.delete(store, ...parts);
  for (const { parts } of proven.rows(store)) proven.delete(store, ...parts);
  changeHead(store, { epoch, burned: 0n, feesBurned: 0n, provenJobs: 0n, closing: false });
  pruneEpochs(store, parameters, epoch);
  return info;
}

/** Ascending by id, as the keys are. */
function turnValidators(store: KeyedStore, parameters: Parameters, ranking: Ranking): CommitteeMember[] {
  const committee: CommitteeMember[] = [];
  for (const { parts, value } of validators.rows(store)) {
    const id = parts[0]!;
    const { stake } = poolOf(store, "validator", id);
    if (value.leaving || stake < parameters.minValidatorStake) {
      validators.delete(store, id);
      continue;
    }
    validators.put(store, { ...value, commissionBps: value.nextCommissionBps, banned: false }, id);
    if (value.banned) continue;
    const { blockKey, blsKey, vrfKey, edgeAddress, gatewayAddress } = value;
    committee.push({ validator: id, stake, blockKey, blsKey, vrfKey, edgeAddress, gatewayAddress });
  }
  return seated(committee, (member) => member.validator, parameters.committeeSeats, ranking);
}

function turnEncoders(store: KeyedStore, parameters: Parameters, ranking: Ranking): RosterEntry[] {
  const roster: RosterEntry[] = [];
  for (const { parts, value } of encoders.rows(store)) {
    const id = parts[0]!;
    const { stake } = poolOf(store, "encoder", id);
    if (value.leaving || stake < parameters.minEncoderStake) {
      encoders.delete(store, id);
      continue;
    }
    encoders.put(store, { ...value, commissionBps: value.nextCommissionBps }, id);
    const { messageKey, blsKey, asks } = value;
    roster.push({ encoder: id, stake, messageKey, blsKey, asks });
  }
  return seated(roster, (entry) => entry.encoder, parameters.rosterSeats, ranking);
}

function asked(roster: readonly RosterEntry[], modality: number): bigint {
  return stableAsk(
    roster.flatMap((entry) =>
      entry.asks
        .filter((ask) => ask.modality === modality)
        .map((ask) => ({ price: ask.pricePerByte, stake: entry.stake })),
    ),
  );
}

/** Keeps the epochs that open jobs were paid in, and those whose equivocations can still be slashed. */
function pruneEpochs(store: KeyedStore, parameters: Parameters, current: bigint): void {
  const needed = new Set(jobs.rows(store).map(({ value }) => value.epoch));
  for (const { value } of epochs.rows(store)) {
    const kept = value.epoch + BigInt(parameters.unbondingEpochs) >= current || needed.has(value.epoch);
    if (!kept) epochs.delete(store, numberKey(value.epoch));
  }
}
