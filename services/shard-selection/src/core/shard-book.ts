import { err, ok, type Result } from "@soma/base";
import {
  type Digest,
  drawCommit,
  drawShard,
  type EpochInfo,
  type JobId,
  type Parameters,
  type Shard,
} from "@soma/protocol";

/** What the ledger says of a job, as far as its draw goes. */
export interface JobToDraw {
  readonly id: JobId;
  readonly modality: number;
  readonly paidAtCommit: bigint;
  /** Epoch in which it was paid (GAME-1). */
  readonly epoch: bigint;
}

/** Epochs and beacons that are kept; a job's draws lie within its attempts, far fewer commits than this. */
const KEPT_EPOCHS = 8;
const KEPT_BEACONS = 20_000;

/** Epoch rosters and beacons as they become known, and the shards that follow from them (SHARD-3). */
export class ShardBook {
  readonly #chainId: string;
  readonly #parameters: Parameters;
  readonly #epochs = new Map<bigint, EpochInfo>();
  readonly #beacons = new Map<bigint, Digest>();

  constructor(chainId: string, parameters: Parameters) {
    this.#chainId = chainId;
    this.#parameters = parameters;
  }

  get epoch(): EpochInfo | undefined {
    return [...this.#epochs.values()].at(-1);
  }

  epochOpened(info: EpochInfo): void {
    this.#epochs.set(info.epoch, info);
    forgetOldest(this.#epochs, KEPT_EPOCHS);
  }

  commitExecuted(index: bigint, beacon: Digest): void {
    this.#beacons.set(index, beacon);
    forgetOldest(this.#beacons, KEPT_BEACONS);
  }

  knows(epoch: bigint): boolean {
    return this.#epochs.has(epoch);
  }

  beacon(commit: bigint): Digest | undefined {
    return this.#beacons.get(commit);
  }

  /** The commit whose beacon draws an attempt. */
  drawnAt(job: JobToDraw, attempt: number): bigint {
    return drawCommit(job.paidAtCommit, attempt, this.#parameters);
  }

  /**
   * Codes: SHARD_ATTEMPT (past the last one), SHARD_NOT_DRAWN (its beacon is still to come, or long forgotten),
   * SHARD_EPOCH (the job's epoch is not known here), and those of the draw.
   */
  draw(job: JobToDraw, attempt: number): Result<{ shard: Shard; commit: bigint; beacon: Digest }> {
    if (attempt >= this.#parameters.shardAttempts) {
      return err("SHARD_ATTEMPT", `a job has at most ${this.#parameters.shardAttempts} attempts`);
    }
    const epoch = this.#epochs.get(job.epoch);
    if (epoch === undefined) return err("SHARD_EPOCH", `epoch ${job.epoch} is not known here`);
    const commit = this.drawnAt(job, attempt);
    const beacon = this.#beacons.get(commit);
    if (beacon === undefined)
      return err("SHARD_NOT_DRAWN", `the beacon of commit ${commit} is not known here`);
    const shard = drawShard({
      chainId: this.#chainId,
      epoch,
      parameters: this.#parameters,
      modality: job.modality,
      beacon,
      job: job.id,
      attempt,
    });
    return shard.ok ? ok({ shard: shard.value, commit, beacon }) : shard;
  }
}

function forgetOldest<K, V>(map: Map<K, V>, keep: number): void {
  for (const key of map.keys()) {
    if (map.size <= keep) return;
    map.delete(key);
  }
}
