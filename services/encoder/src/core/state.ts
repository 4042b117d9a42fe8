import type { EpochInfo, Hex32, JobId, RelayedJobMessage } from "@soma/protocol";
import type { EncoderJob } from "./job.ts";

/** A message that came before the ledger said what makes it fit. */
export interface EarlyMessage {
  readonly sender: Hex32;
  readonly relayed: RelayedJobMessage;
  readonly at: number;
  /** The head when it came. */
  readonly head: bigint;
}

/** All that one encoder remembers. Jobs are durable; the rest comes back from the light client and from peers. */
export interface EncoderState {
  /** The last commit that was proven. */
  readonly head: bigint;
  /** Ascending; as many as `KEPT_EPOCHS`. */
  readonly epochs: readonly EpochInfo[];
  /** Beacons of the last `KEPT_BEACONS` commits. */
  readonly beacons: ReadonlyMap<bigint, Hex32>;
  readonly jobs: ReadonlyMap<JobId, EncoderJob>;
  /** Bounded by `EARLY_JOBS`, `EARLY_MESSAGES` and `EARLY_COMMITS`. */
  readonly early: ReadonlyMap<JobId, readonly EarlyMessage[]>;
}

export const KEPT_EPOCHS = 8;
/** A shard is drawn by the commit that executes the draw, so its beacon is in the same or the next update. */
export const KEPT_BEACONS = 64;

/** Jobs, messages a job, and commits for which messages wait for the ledger. */
export const EARLY_JOBS = 256;
export const EARLY_MESSAGES = 128;
export const EARLY_COMMITS = 64n;

export function emptyState(jobs: Iterable<EncoderJob> = []): EncoderState {
  return {
    head: 0n,
    epochs: [],
    beacons: new Map(),
    jobs: new Map([...jobs].map((job) => [job.id, job])),
    early: new Map(),
  };
}

export function epochOf(state: EncoderState, epoch: bigint): EpochInfo | undefined {
  return state.epochs.find((info) => info.epoch === epoch);
}
