import { encode } from "@soma/codec";
import { EmbeddingsRecorded } from "@soma/contracts";
import {
  CheckpointCodec,
  type Commit,
  type EpochInfo,
  EpochInfoCodec,
  encodeSignedOverride,
  type SignedOverride,
  stageOf,
} from "@soma/protocol";
import {
  type BuiltCheckpoint,
  type Change,
  type ExecutedCommit,
  type Job,
  JobCodec,
  jobHistory,
  type Ledger,
} from "../core/index.ts";
import { LeafListCodec } from "./leaf-list.ts";
import type { StateTables } from "./schema.ts";
import type { CheckedCommit } from "./signatures.ts";

export function overrideRow(signed: SignedOverride): StateTables["override"] {
  const { override } = signed;
  return { commit: override.commit, stage: stageOf(override), bytes: encodeSignedOverride(signed) };
}

/** What one database transaction writes: the results of one or several commits, the later over the earlier. */
export class WriteBatch {
  readonly entries = new Map<string, Uint8Array | null>();
  readonly transactions: StateTables["executed_transaction"][] = [];
  readonly checkpoints: StateTables["checkpoint"][] = [];
  readonly epochs: StateTables["epoch"][] = [];
  readonly embeddings: StateTables["embeddings"][] = [];
  readonly overrides: StateTables["override"][] = [];
  readonly closedJobs: StateTables["closed_job"][] = [];
  readonly commits: StateTables["executed_commit"][] = [];
  readonly jobs = new Map<string, StateTables["job_summary"]>();
  readonly stages: StateTables["job_stage"][] = [];
  summary: StateTables["summary"] | null = null;

  changes(changes: readonly Change[]): void {
    for (const { key, value } of changes) this.entries.set(key, value);
  }

  executed(done: ExecutedCommit, decided: CheckedCommit): void {
    this.changes(done.changes);
    const byDigest = new Map(decided.transactions.map((transaction) => [transaction.digest, transaction]));
    for (const [position, { digest, refusal, sender }] of done.transactions.entries()) {
      const { bytes, isJob } = byDigest.get(digest)!;
      this.transactions.push({
        digest,
        commit: done.index,
        refusal,
        is_job: isJob,
        bytes,
        position,
        sender,
      });
    }
    this.#history(done, decided.commit, decided.digest, decided.beacon);
    for (const recorded of done.recorded) {
      const payload = EmbeddingsRecorded.encode(recorded);
      this.embeddings.push({ job: recorded.job, commit: recorded.commit, payload });
    }
    for (const job of done.over) this.closedJobs.push({ job: job.id, bytes: encode(JobCodec, job) });
  }

  #history(done: ExecutedCommit, commit: Commit, digest: string, beacon: string): void {
    const { jobs, stages } = jobHistory(done);
    this.commits.push({
      commit: done.index,
      epoch: commit.epoch,
      digest,
      timestamp_ms: commit.timestampMs,
      beacon,
      transactions: done.transactions.length,
      stages: stages.length,
    });
    for (const job of jobs) this.jobs.set(job.id, summaryOf(job));
    for (const [position, stage] of stages.entries()) {
      this.stages.push({ commit: done.index, position, ...stage });
    }
  }

  /** The ledger as it stands after what is written here. */
  stands(ledger: Ledger): void {
    this.summary = summaryOfLedger(ledger);
  }

  /** Applied with what is written here. */
  override(signed: SignedOverride): void {
    this.overrides.push(overrideRow(signed));
  }

  built({ checkpoint, digest, leaves, changes }: BuiltCheckpoint, signature: Uint8Array | null): void {
    this.changes(changes);
    this.checkpoints.push({
      sequence: checkpoint.sequence,
      digest,
      last_commit: checkpoint.commitIndex,
      bytes: encode(CheckpointCodec, checkpoint),
      leaves: encode(LeafListCodec, [...leaves]),
      signature,
      certificate: null,
    });
  }

  epoch(info: EpochInfo, openedBy: bigint | null): void {
    this.epochs.push({ epoch: info.epoch, info: encode(EpochInfoCodec, info), opened_by: openedBy });
  }
}

export function summaryOfLedger(ledger: Ledger): StateTables["summary"] {
  return { is_only: true, state_digest: ledger.stateDigest(), ...ledger.supply };
}

function summaryOf(job: Job): StateTables["job_summary"] {
  const outcome = job.outcome === "" ? null : job.outcome;
  return { job: job.id, payer: job.payer, paid_at: job.paidAt, state: job.phase, outcome };
}
