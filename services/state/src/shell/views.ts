import { type Address, MODALITIES } from "@soma/protocol";
import type { Job, LedgerReading, Supply } from "../core/index.ts";

/** The ledger's answer about one job, in the form of `state.get-job`. */
export function jobView(job: Job) {
  return {
    id: job.id,
    state: job.phase,
    payer: job.payer,
    sessionKey: job.sessionKey,
    modality: MODALITIES[job.modality] ?? String(job.modality),
    items: job.items,
    sizeBytes: job.sizeBytes,
    escrow: job.escrow,
    epoch: job.epoch,
    attempt: job.attempt,
    paidAtCommit: job.paidAt,
    deadlineCommit: deadlineOf(job),
    seats: job.shard.map(({ encoder, seats }) => ({ encoder, seats })),
    quorumSeats: job.quorum,
    selection: job.selection,
    selected: job.chosen.map(({ encoder }) => encoder),
    evaluatedSet: job.evaluatedSet,
    outcome: job.outcome === "" ? null : job.outcome,
    winner: job.winner,
  };
}

/** The commit at which the job's present state ends, if nothing comes before (GAME-9). */
function deadlineOf(job: Job): bigint | null {
  switch (job.phase) {
    case "paid":
    case "drawn":
      return job.deadline;
    case "selected":
    case "bundled":
      return job.proofDeadline > 0n ? job.proofDeadline : job.revealDeadline;
    case "closed":
      return null;
  }
}

/** An account and its stakes, in the form of `state.get-account`. */
export function accountView(ledger: LedgerReading, address: Address) {
  const account = ledger.account(address);
  return {
    commit: ledger.head.commit,
    address,
    exists: account !== undefined,
    balance: account?.balance ?? 0n,
    sequence: account?.sequence ?? 0n,
    stakes: ledger.stakesOf(address).map((stake) => ({ ...stake })),
  };
}

/** Where the ledger stands, in the form of `state.get-head`. */
export function headView(
  ledger: LedgerReading,
  { supply, ...rest }: { chainId: string; checkpoint: bigint; stateDigest: string; supply: Supply },
) {
  const { head } = ledger;
  return {
    ...rest,
    epoch: head.epoch,
    commit: head.commit,
    commitDigest: head.commitDigest,
    timestampMs: Number(head.timestampMs),
    baseFee: ledger.currentEpoch.baseFee,
    supply: { ...supply },
  };
}

/** Registered operators, in the form of `state.list-operators`. */
export function operatorsView(ledger: LedgerReading) {
  const { epoch, committee, roster } = ledger.currentEpoch;
  const members = new Map(committee.map((member) => [member.validator, member]));
  const entries = new Map(roster.map((entry) => [entry.encoder, entry]));
  const votes = ledger.slashStandings();
  return {
    epoch,
    validators: ledger.operators("validator").map(({ id, stake, active }) => ({
      id,
      stake,
      active,
      edgeAddress: members.get(id)?.edgeAddress ?? "",
      gatewayAddress: members.get(id)?.gatewayAddress ?? "",
      slashVotes: votes.get(id)?.stake ?? 0n,
    })),
    encoders: ledger.operators("encoder").map(({ id, stake, active }) => ({
      id,
      stake,
      active,
      price: entries.get(id)?.asks[0]?.pricePerByte ?? null,
    })),
  };
}
