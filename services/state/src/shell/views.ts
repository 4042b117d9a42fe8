import { MODALITIES } from "@soma/protocol";
import type { Job, Ledger } from "../core/index.ts";

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

/** Where the ledger stands, in the form of `state.get-head`. */
export function headView(ledger: Ledger, checkpoint: bigint) {
  const { head, supply } = ledger;
  return {
    chainId: ledger.chainId,
    epoch: head.epoch,
    commit: head.commit,
    commitDigest: head.commitDigest,
    checkpoint,
    timestampMs: Number(head.timestampMs),
    baseFee: ledger.currentEpoch.baseFee,
    stateDigest: ledger.stateDigest(),
    supply: { ...supply },
  };
}

/** Registered operators, in the form of `state.list-operators`. */
export function operatorsView(ledger: Ledger) {
  const { epoch, committee, roster } = ledger.currentEpoch;
  const members = new Map(committee.map((member) => [member.validator, member]));
  const entries = new Map(roster.map((entry) => [entry.encoder, entry]));
  return {
    epoch,
    validators: ledger.operators("validator").map(({ id, stake, active }) => ({
      id,
      stake,
      active,
      edgeAddress: members.get(id)?.edgeAddress ?? "",
      gatewayAddress: members.get(id)?.gatewayAddress ?? "",
    })),
    encoders: ledger.operators("encoder").map(({ id, stake, active }) => ({
      id,
      stake,
      active,
      price: entries.get(id)?.asks[0]?.pricePerByte ?? null,
    })),
  };
}
