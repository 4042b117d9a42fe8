import { err, type Result } from "@soma/base";
import {
  type Address,
  dataCommitment,
  type SignedCommit,
  selectionDigest,
  type TransactionKind,
} from "@soma/protocol";
import { closeVoided } from "./close.ts";
import {
  event,
  type GameContext,
  type GameEffect,
  type GameStep,
  signedByEncoder,
  signedBySession,
} from "./context.ts";
import { type Chosen, type Job, shardSeatsOf } from "./job.ts";
import { penalise } from "./penalties.ts";

type SelectCommits = Extract<TransactionKind, { $kind: "SelectCommits" }>["SelectCommits"];

/**
 * GAME-4: the first selection on the ledger is final; another one that the session key signed for the same
 * attempt voids the job while it is open. Refusals: JOB_PHASE, JOB_ATTEMPT, JOB_DATA_HASH, SELECTION_SIGNATURE,
 * SELECTION_REPEATED, SELECTION_QUORUM, and those of `checkCommit`.
 */
export function selectCommits(
  context: GameContext,
  job: Job,
  selection: SelectCommits,
  sender: Address,
): Result<GameStep> {
  const { sessionSignature, ...message } = selection;
  if (selection.attempt !== job.attempt) return err("JOB_ATTEMPT", `the job is at attempt ${job.attempt}`);
  if (job.phase !== "drawn" && job.phase !== "selected" && job.phase !== "bundled") {
    return err("JOB_PHASE", `a selection does not fit a job that is ${job.phase}`);
  }
  if (!signedBySession(context, job, "selection", message, sessionSignature)) {
    return err("SELECTION_SIGNATURE", "the session key did not sign this selection");
  }
  const digest = selectionDigest(context.chainId, message);
  if (job.selection !== null) {
    if (job.selection === digest) return err("SELECTION_REPEATED", "this selection stands already");
    return { ok: true, value: closeVoided(job) };
  }
  if (dataCommitment(context.chainId, selection.dataHash, job.payer) !== job.dataCommitment) {
    return err("JOB_DATA_HASH", "the data hash is not the one that was paid for");
  }
  const chosen: Chosen[] = [];
  let seats = 0;
  for (const commit of selection.commits) {
    const entry = checkCommit(context, job, commit);
    if (!entry.ok) return entry;
    if (chosen.some((other) => other.encoder === entry.value.encoder)) {
      return err("COMMIT_DUPLICATE", "an encoder is chosen twice");
    }
    chosen.push(entry.value);
    seats += entry.value.seats;
  }
  if (seats < job.quorum) return err("SELECTION_QUORUM", `${seats} seats, ${job.quorum} are needed`);
  return { ok: true, value: select(context, job, digest, chosen, sender) };
}

/** A signed commit of a seat holder in this attempt. Refusals: COMMIT_JOB, COMMIT_STRANGER, COMMIT_SIGNATURE. */
export function checkCommit(context: GameContext, job: Job, signed: SignedCommit): Result<Chosen> {
  const { commit, signature } = signed;
  if (commit.job !== job.id || commit.attempt !== job.attempt) {
    return err("COMMIT_JOB", "a commit of another job or attempt");
  }
  const seats = shardSeatsOf(job, commit.encoder);
  if (seats === 0) return err("COMMIT_STRANGER", "the encoder holds no seat");
  if (!signedByEncoder(context, commit.encoder, "commit", commit, signature)) {
    return err("COMMIT_SIGNATURE", "the encoder did not sign this commit");
  }
  return {
    ok: true,
    value: {
      encoder: commit.encoder,
      seats,
      commitHash: commit.commitHash,
      revealed: null,
      mismatched: false,
      evaluated: false,
      answered: false,
    },
  };
}

function select(
  context: GameContext,
  job: Job,
  digest: string,
  chosen: readonly Chosen[],
  sender: Address,
): GameStep {
  const revealDeadline = context.commit + BigInt(context.parameters.revealTimeout);
  let selected: Job = {
    ...job,
    phase: "selected",
    selection: digest,
    chosen: [...chosen],
    revealDeadline,
    deadline: revealDeadline,
  };
  const effects: GameEffect[] = [
    event({ JobSelected: { job: job.id, selection: digest } }),
    { kind: "wake", commit: revealDeadline },
  ];
  for (const optOut of job.optOuts) {
    if (!chosen.some((entry) => entry.encoder === optOut.encoder)) continue;
    const slash = penalise(context, selected, optOut.encoder, "opt-out-commit", sender);
    selected = slash.job;
    effects.push(...slash.effects);
  }
  return { job: selected, effects };
}
