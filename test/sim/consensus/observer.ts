import type { CommittedSubDag, OpenedEpoch, VerifiedBlock } from "@soma/consensus/core";
import type { SimJudge } from "@soma/testkit/sim";

/** What a run covered, summed over its validators. */
export interface SimCoverage {
  directCommits: number;
  indirectCommits: number;
  directSkips: number;
  indirectSkips: number;
  certifiedCommits: number;
  schedules: number;
  rests: number;
  wakes: number;
  epochs: number;
  equivocations: number;
  crashes: number;
  lostDisks: number;
  recoveredSigners: number;
  takeovers: number;
  fencedInstances: number;
  rollbacks: number;
  partitions: number;
  refusedBlocks: number;
  transactions: number;
}

export function noCoverage(): SimCoverage {
  return {
    directCommits: 0,
    indirectCommits: 0,
    directSkips: 0,
    indirectSkips: 0,
    certifiedCommits: 0,
    schedules: 0,
    rests: 0,
    wakes: 0,
    epochs: 0,
    equivocations: 0,
    crashes: 0,
    lostDisks: 0,
    recoveredSigners: 0,
    takeovers: 0,
    fencedInstances: 0,
    rollbacks: 0,
    partitions: 0,
    refusedBlocks: 0,
    transactions: 0,
  };
}

/** Sees everything that leaves honest validators, and breaks the run when two truths meet. */
export class Observer {
  readonly coverage = noCoverage();
  readonly #judge: SimJudge;
  readonly #honest: ReadonlySet<string>;
  readonly #commits: { digest: string; timestampMs: bigint; epoch: bigint }[] = [];
  readonly #slots = new Map<string, string>();
  readonly #epochs = new Map<bigint, string>();
  readonly #seen = new WeakSet<VerifiedBlock>();

  constructor(judge: SimJudge, honest: ReadonlySet<string>) {
    this.#judge = judge;
    this.#honest = honest;
  }

  /** Commits of the longest sequence that any honest validator delivered. */
  get height(): number {
    return this.#commits.length;
  }

  /** Any honest validator delivers: equal index, equal digest; times never go back; nothing follows a closing commit. */
  delivered(node: string, { commit, digest, closesEpoch, blocks }: CommittedSubDag): void {
    const at = Number(commit.index) - 1;
    const known = this.#commits[at];
    if (known !== undefined) {
      if (known.digest !== digest) this.#judge.diverged(`${short(node)} has another commit ${commit.index}`);
      return;
    }
    const before = this.#commits[at - 1];
    if (at !== this.#commits.length) {
      this.#judge.diverged(`${short(node)} skips from commit ${this.#commits.length} to ${commit.index}`);
    } else if (before !== undefined && commit.previous !== before.digest) {
      this.#judge.diverged(`commit ${commit.index} of ${short(node)} does not follow its predecessor`);
    } else if (before !== undefined && commit.timestampMs < before.timestampMs) {
      this.#judge.diverged(`the time of commit ${commit.index} goes back`);
    }
    if (new Set(commit.blocks.map((ref) => ref.digest)).size < commit.blocks.length) {
      this.#judge.diverged(`commit ${commit.index} holds a block twice`);
    }
    this.#commits.push({ digest, timestampMs: commit.timestampMs, epoch: commit.epoch });
    if (closesEpoch) this.coverage.epochs += 1;
    for (const { body } of blocks) this.coverage.transactions += body.transactions.length;
  }

  /** Honest validators open the same epoch after the same commit (CONS-10). */
  opened(node: string, { info }: OpenedEpoch, digest: string): void {
    const known = this.#epochs.get(info.epoch);
    if (known === undefined) this.#epochs.set(info.epoch, digest);
    else if (known !== digest) this.#judge.diverged(`${short(node)} opens another epoch ${info.epoch}`);
  }

  /** A block that somebody shows: honest authors have one a slot, whatever befell their disks (CONS-8). */
  shown(block: VerifiedBlock, author: string): void {
    if (this.#seen.has(block)) return;
    this.#seen.add(block);
    const key = `${block.body.epoch}/${block.ref.round}/${author}`;
    const known = this.#slots.get(key);
    if (known === undefined) {
      this.#slots.set(key, block.ref.digest);
    } else if (known !== block.ref.digest) {
      if (this.#honest.has(author)) this.#judge.diverged(`${short(author)} signed two blocks of ${key}`);
      else this.coverage.equivocations += 1;
    }
  }
}

export function short(id: string): string {
  return id.slice(0, 6);
}
