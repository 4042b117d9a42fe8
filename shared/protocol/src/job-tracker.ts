import { err, ok, type Result } from "@soma/base";
import type { JobOutcome, LedgerEvent } from "./checkpoint.ts";
import type { EpochInfo } from "./epoch.ts";
import type { Address, Amount, Digest, JobId } from "./ids.ts";
import type { SignedCommit, SignedReveal } from "./job-messages.ts";
import type { VerifiedTransaction } from "./light-client-fact.ts";
import type { VerifiedFacts } from "./light-client-update.ts";
import type { Parameters } from "./parameter-table.ts";
import { drawShard, type Shard, shardDigest } from "./shard-draw.ts";

/** Open jobs that a tracker holds at most; it refuses to forget one that is open, so more are not taken. */
export const TRACKED_JOBS = 65_536;
/** Commits for which a draw waits for its beacon, which may come in another part of the same update. */
const BEACONS_KEPT = 256n;

/** A job as proven facts show it. Immutable: every fact makes a new one. */
export interface TrackedJob {
  readonly job: JobId;
  readonly payer: Address;
  /** Commit and epoch of the payment; the epoch's roster, prices and seeds hold for the job (GAME-1). */
  readonly paidAt: bigint;
  readonly epoch: EpochInfo;
  readonly modality: number;
  readonly items: number;
  readonly sizeBytes: bigint;
  readonly dataCommitment: Digest;
  /** Signs the job's messages for the submitter. */
  readonly sessionKey: Uint8Array;
  readonly escrow: Amount;
  readonly phase: "paid" | "drawn" | "selected" | "bundled" | "closed";
  /** The shard of the current attempt and the beacon that drew it; null until it is drawn. */
  readonly draw: { readonly shard: Shard; readonly beacon: Digest; readonly commit: bigint } | null;
  readonly selection: TrackedSelection | null;
  /** Digest of the evaluated set, and the commit that fixed it. */
  readonly bundle: { readonly digest: Digest; readonly commit: bigint } | null;
  /** Reveals on the ledger, in its order: the bundle's, or those posted singly (GAME-6). */
  readonly reveals: readonly SignedReveal[];
  readonly outcome: JobOutcome | null;
}

export interface TrackedSelection {
  readonly digest: Digest;
  readonly commit: bigint;
  readonly dataHash: Digest;
  /** In the selection's order. */
  readonly commits: readonly SignedCommit[];
}

/** A step of one job; `job` is as it stands after it. */
export interface JobChange {
  readonly kind: "paid" | "drawn" | "selected" | "revealed" | "bundled" | "closed";
  readonly commit: bigint;
  readonly job: TrackedJob;
}

/** What a tracker looks up. */
export interface TrackerDeps {
  readonly chainId: string;
  /** `LightClient.epochInfo`. */
  readonly epochInfo: (epoch: bigint) => EpochInfo | undefined;
  /** Parameters in force in an epoch. */
  readonly parameters: (epoch: EpochInfo) => Parameters;
}

/**
 * The jobs that an encoder or a client follows, from facts that a light client proved. It knows whatever a complete
 * run of updates shows; a job whose payment it did not see stays unknown. A closed job leaves with the facts that
 * closed it.
 */
export class JobTracker {
  readonly #deps: TrackerDeps;
  readonly #jobs = new Map<JobId, TrackedJob>();
  /** Proven beacons of the last commits. */
  readonly #beacons = new Map<bigint, Digest>();
  /** Draws of which the ledger told, until their commit's beacon is proven too. */
  #draws: ShardDrawn[] = [];

  constructor(deps: TrackerDeps) {
    this.#deps = deps;
  }

  /** Open jobs. */
  get size(): number {
    return this.#jobs.size;
  }

  /** An open job; undefined if it is closed or unknown. */
  job(job: JobId): TrackedJob | undefined {
    return this.#jobs.get(job);
  }

  /**
   * The shard of an attempt. Refusals: JOB_UNKNOWN, JOB_NOT_DRAWN (the current attempt is another, or its beacon is
   * not proven yet).
   */
  seats(job: JobId, attempt: number): Result<Shard> {
    const tracked = this.#jobs.get(job);
    if (tracked === undefined) return err("JOB_UNKNOWN", "no such job is open");
    const shard = tracked.draw?.shard;
    if (shard?.attempt !== attempt) return err("JOB_NOT_DRAWN", `attempt ${attempt} is not the current one`);
    return ok(shard);
  }

  /**
   * Takes an update's facts and tells what they changed, in the order in which the ledger did it: commit by commit,
   * transactions before deadlines. Facts that come again change nothing.
   */
  apply(facts: VerifiedFacts): JobChange[] {
    const changes: JobChange[] = [];
    for (const { index, beacon } of facts.commits) this.#beacons.set(index, beacon);
    const commits = new Set(facts.transactions.map(({ leaf }) => leaf.commit));
    for (const deadline of facts.deadlines) commits.add(deadline.commit);
    for (const commit of [...commits].sort((a, b) => (a < b ? -1 : 1))) {
      for (const transaction of facts.transactions) {
        if (transaction.leaf.commit === commit && transaction.leaf.refusal === "") {
          this.#transaction(transaction, facts.checkpoint.epoch, changes);
        }
      }
      for (const deadline of facts.deadlines) {
        if (deadline.commit === commit) this.#events(deadline.events, commit, changes);
      }
      this.#draw(changes);
    }
    this.#draw(changes);
    this.#prune(facts.checkpoint.commitIndex);
    return changes;
  }

  #transaction({ leaf, signed }: VerifiedTransaction, epoch: bigint, changes: JobChange[]): void {
    const { kind, sender } = signed.transaction;
    const { commit } = leaf;
    switch (kind.$kind) {
      case "GenerateEmbeddings":
        this.#paid(leaf.digest, sender, kind.GenerateEmbeddings, epoch, leaf, changes);
        return;
      case "SelectCommits": {
        const { job, dataHash, commits } = kind.SelectCommits;
        const event = leaf.events.find((e) => e.JobSelected?.job === job)?.JobSelected;
        if (event !== undefined) {
          const selection = { digest: event.selection, commit, dataHash, commits };
          this.#change(job, "selected", commit, { phase: "selected", selection }, changes);
        }
        break;
      }
      case "PostReveal": {
        const { reveal } = kind.PostReveal;
        this.#reveal(reveal.reveal.job, [reveal], commit, changes);
        break;
      }
      case "PostBundle":
        this.#reveal(kind.PostBundle.job, kind.PostBundle.reveals, commit, changes);
        break;
    }
    this.#events(leaf.events, commit, changes);
  }

  #paid(
    job: JobId,
    payer: Address,
    request: {
      modality: number;
      items: number;
      sizeBytes: bigint;
      dataCommitment: Digest;
      sessionKey: Iterable<number>;
    },
    epochNumber: bigint,
    leaf: { commit: bigint; events: readonly LedgerEvent[] },
    changes: JobChange[],
  ): void {
    const epoch = this.#deps.epochInfo(epochNumber);
    const event = leaf.events.find((e) => e.JobPaid?.job === job)?.JobPaid;
    if (epoch === undefined || event === undefined) return;
    if (this.#jobs.has(job) || this.#jobs.size >= TRACKED_JOBS) return;
    const { modality, items, sizeBytes, dataCommitment } = request;
    const tracked: TrackedJob = {
      job,
      payer,
      paidAt: leaf.commit,
      epoch,
      modality,
      items,
      sizeBytes,
      dataCommitment,
      sessionKey: Uint8Array.from(request.sessionKey),
      escrow: event.escrow,
      phase: "paid",
      draw: null,
      selection: null,
      bundle: null,
      reveals: [],
      outcome: null,
    };
    this.#jobs.set(job, tracked);
    changes.push({ kind: "paid", commit: leaf.commit, job: tracked });
  }

  /** What every leaf may say of jobs, whoever's transaction or deadline it is. */
  #events(events: readonly LedgerEvent[], commit: bigint, changes: JobChange[]): void {
    for (const event of events) {
      if (event.$kind === "ShardDrawn") {
        this.#draws.push(event.ShardDrawn);
      } else if (event.$kind === "JobBundled") {
        const bundle = { digest: event.JobBundled.bundle, commit };
        this.#change(event.JobBundled.job, "bundled", commit, { phase: "bundled", bundle }, changes);
      } else if (event.$kind === "JobClosed") {
        const { job, outcome } = event.JobClosed;
        this.#change(job, "closed", commit, { phase: "closed", outcome }, changes);
        this.#jobs.delete(job);
      }
    }
  }

  #reveal(job: JobId, reveals: readonly SignedReveal[], commit: bigint, changes: JobChange[]): void {
    const tracked = this.#jobs.get(job);
    if (tracked === undefined || tracked.phase === "bundled") return;
    const known = new Set(tracked.reveals.map(({ reveal }) => reveal.encoder));
    const added = reveals.filter(({ reveal }) => !known.has(reveal.encoder));
    if (added.length === 0) return;
    this.#change(job, "revealed", commit, { reveals: [...tracked.reveals, ...added] }, changes);
  }

  #change(
    job: JobId,
    kind: JobChange["kind"],
    commit: bigint,
    change: Partial<TrackedJob>,
    changes: JobChange[],
  ): void {
    const before = this.#jobs.get(job);
    if (before === undefined || !follows(before, kind)) return;
    const after = { ...before, ...change };
    this.#jobs.set(job, after);
    changes.push({ kind, commit, job: after });
  }

  /** SHARD-3: computes the shards that the ledger drew and whose beacons are proven. */
  #draw(changes: JobChange[]): void {
    const waiting: ShardDrawn[] = [];
    for (const drawn of this.#draws) {
      const beacon = this.#beacons.get(drawn.commit);
      if (beacon === undefined) waiting.push(drawn);
      else this.#drawShard(drawn, beacon, changes);
    }
    this.#draws = waiting;
  }

  #drawShard(
    { job, attempt, commit, shard: claimed }: ShardDrawn,
    beacon: Digest,
    changes: JobChange[],
  ): void {
    const tracked = this.#jobs.get(job);
    if (tracked === undefined || (tracked.draw?.shard.attempt ?? -1) >= attempt) return;
    const { epoch, modality } = tracked;
    const { chainId } = this.#deps;
    const parameters = this.#deps.parameters(epoch);
    const shard = drawShard({ chainId, epoch, parameters, modality, beacon, job, attempt });
    // A ledger that claims another shard than its own beacon draws is not followed.
    if (!shard.ok || shardDigest(chainId, shard.value) !== claimed) return;
    const draw = { shard: shard.value, beacon, commit };
    this.#change(job, "drawn", commit, { phase: "drawn", draw }, changes);
  }

  #prune(head: bigint): void {
    for (const commit of this.#beacons.keys()) {
      if (commit + BEACONS_KEPT < head) this.#beacons.delete(commit);
    }
    this.#draws = this.#draws.filter(({ commit }) => commit + BEACONS_KEPT >= head);
  }
}

type ShardDrawn = NonNullable<Extract<LedgerEvent, { $kind: "ShardDrawn" }>["ShardDrawn"]>;

const ORDER = ["paid", "drawn", "selected", "bundled", "closed"] as const;

/** Whether a job in its phase can take such a step; a step that it has taken is a fact that came again. */
function follows({ phase }: TrackedJob, kind: JobChange["kind"]): boolean {
  if (kind === "drawn") return phase === "paid" || phase === "drawn";
  if (kind === "revealed") return phase === "selected";
  return ORDER.indexOf(kind) > ORDER.indexOf(phase);
}
