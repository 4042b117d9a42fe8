import { encode } from "@soma/codec";
import { EmbeddingsRecorded } from "@soma/contracts";
import { CheckpointCodec, type EpochInfo, EpochInfoCodec } from "@soma/protocol";
import { type BuiltCheckpoint, type Change, type ExecutedCommit, JobCodec } from "../core/index.ts";
import { LeafListCodec } from "./leaf-list.ts";
import type { StateTables } from "./schema.ts";
import type { CheckedTransaction } from "./signatures.ts";

/** What one database transaction writes: the results of one or several commits, the later over the earlier. */
export class WriteBatch {
  readonly entries = new Map<string, Uint8Array | null>();
  readonly transactions: StateTables["executed_transaction"][] = [];
  readonly checkpoints: StateTables["checkpoint"][] = [];
  readonly epochs: StateTables["epoch"][] = [];
  readonly embeddings: StateTables["embeddings"][] = [];
  readonly closedJobs: StateTables["closed_job"][] = [];

  changes(changes: readonly Change[]): void {
    for (const { key, value } of changes) this.entries.set(key, value);
  }

  executed(done: ExecutedCommit, transactions: readonly CheckedTransaction[]): void {
    this.changes(done.changes);
    const byDigest = new Map(transactions.map((transaction) => [transaction.digest, transaction]));
    for (const { digest, refusal } of done.transactions) {
      const { bytes, isJob } = byDigest.get(digest)!;
      this.transactions.push({ digest, commit: done.index, refusal, is_job: isJob, bytes });
    }
    for (const recorded of done.recorded) {
      const payload = EmbeddingsRecorded.encode(recorded);
      this.embeddings.push({ job: recorded.job, commit: recorded.commit, payload });
    }
    for (const job of done.over) this.closedJobs.push({ job: job.id, bytes: encode(JobCodec, job) });
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
