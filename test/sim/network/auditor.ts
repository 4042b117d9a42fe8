import type { CommittedSubDag } from "@soma/consensus/core";
import {
  type CertifiedCheckpoint,
  type CheckpointLeaf,
  CheckpointLeafCodec,
  checkpointDigest,
  type EpochInfo,
  type JobMessage,
  type LedgerEvent,
  type Parameters,
} from "@soma/protocol";
import {
  type CommitTransaction,
  type ExecutedCommit,
  type Job,
  type Ledger,
  supplyTotal,
} from "@soma/state/core";
import type { SimJudge } from "@soma/testkit/sim";
import { short } from "../consensus/observer.ts";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import type { CheckedTransactions } from "./checked-transactions.ts";
import type { NetworkCoverage } from "./coverage.ts";
import { JobBook } from "./job-book.ts";
import type { OwnCheckpoint } from "./ledger-host.ts";
import { MoneyBook } from "./money-book.ts";

/** One validator's execution of a commit, before a settlement. */
export interface AuditedExecution {
  readonly committed: CommittedSubDag;
  readonly executed: ExecutedCommit;
  readonly transactions: readonly CommitTransaction[];
  readonly ledger: Ledger;
}

export interface AuditorOptions {
  readonly judge: SimJudge;
  readonly coverage: NetworkCoverage;
  readonly checked: CheckedTransactions;
  readonly parameters: Parameters;
  readonly honestValidators: ReadonlySet<string>;
  readonly honestEncoders: ReadonlySet<string>;
  /** For the trace's digest. */
  readonly record: (line: string) => void;
}

/**
 * Sees what every actor does, and breaks the run when a rule does not hold: two validators that disagree, a certificate
 * beside the truth, money that comes or goes, a job that ends otherwise than GAME says. What it expects is told again
 * here from transactions and beacons, by code that shares no line with the ledger's.
 */
export class Auditor {
  readonly #o: AuditorOptions;
  readonly #jobs: JobBook;
  readonly #money = new MoneyBook();
  readonly #digests = new Map<bigint, string>();
  readonly #checkpoints = new Map<bigint, string>();
  readonly #shares = new Map<string, string>();
  readonly #commitments = new Map<string, string>();
  readonly #epochs = new Map<bigint, EpochInfo>();
  /** Next sequence numbers. */
  readonly #sequences = new Map<string, bigint>();
  readonly #honestBlocks: Uint8Array[] = [];
  #epoch: EpochInfo | null = null;

  constructor(options: AuditorOptions) {
    this.#o = options;
    this.#jobs = new JobBook(options);
  }

  /** The ledger before the first commit. */
  begin(ledger: Ledger): void {
    this.#epoch = ledger.currentEpoch;
    this.#epochs.set(0n, ledger.currentEpoch);
    this.#money.read(ledger);
  }

  /** Epoch in which the network's head is. */
  get epoch(): EpochInfo {
    return this.#epoch!;
  }

  get openJobs(): number {
    return this.#jobs.open;
  }

  get closedJobs(): number {
    return this.#jobs.closed;
  }

  executed(node: string, { committed, executed, transactions, ledger }: AuditedExecution): void {
    const { index } = executed;
    const known = this.#digests.get(index);
    if (known !== undefined) {
      if (known !== executed.stateDigest)
        this.#fail(`${short(node)} has another state after commit ${index}`);
      return;
    }
    this.#digests.set(index, executed.stateDigest);
    this.#o.record(`commit ${index} ${committed.digest} ${executed.stateDigest}`);
    this.#rememberBlocks(committed);
    const authors = new Map<string, string>();
    const bytes = new Map<string, Uint8Array>();
    for (const carried of transactions) {
      if (authors.has(carried.digest)) continue;
      authors.set(carried.digest, carried.author);
      bytes.set(carried.digest, carried.bytes);
    }
    this.#o.coverage.droppedTransactions += executed.dropped.length;
    for (const leaf of executed.leaves) {
      const stated = CheckpointLeafCodec.parse(CheckpointLeafCodec.serialize(leaf).toBytes());
      this.#leaf(stated, committed, authors, bytes);
    }
    const commit = BigInt(index);
    this.#say(this.#jobs.overdue(commit));
    for (const job of executed.over) this.#over(job);
    this.#say(this.#money.check(ledger));
    if (supplyTotal(ledger.supply) !== this.#o.parameters.supplyCap) this.#fail("the supply is not the cap");
  }

  #leaf(
    leaf: CheckpointLeaf,
    { commit, beacon }: CommittedSubDag,
    authors: ReadonlyMap<string, string>,
    bytes: ReadonlyMap<string, Uint8Array>,
  ): void {
    if (leaf.Commit !== undefined || leaf.Override !== undefined) return;
    if (leaf.Deadline !== undefined) {
      const events = [...leaf.Deadline.events];
      for (const event of events) this.#event(event, null);
      const done = this.#jobs.deadline(commit.index, beacon, events);
      this.#settleEnding(done);
      return;
    }
    const { digest, refusal, fee, events } = leaf.Transaction;
    const { signed, signatureValid } = this.#o.checked.check(bytes.get(digest)!);
    if (signed === null || !signatureValid) {
      this.#fail("a transaction was executed that nobody signed");
      return;
    }
    const { sender, sequence, expiryEpoch, tip, kind } = signed.transaction;
    if (expiryEpoch < this.epoch.epoch) this.#fail("an expired transaction was executed");
    const next = this.#sequences.get(sender) ?? 0n;
    if (sequence !== next)
      this.#fail(`sequence ${sequence} of ${short(sender)} was executed, due was ${next}`);
    this.#sequences.set(sender, next + 1n);
    if (BigInt(fee) !== this.epoch.baseFee + tip) this.#fail(`a fee of ${fee}`);
    this.#money.fee(sender, authors.get(digest)!, this.epoch.baseFee, tip);
    if (refusal !== "") {
      this.#o.coverage.refusedTransactions += 1;
      return;
    }
    const all = [...events];
    this.#jobs.about(kind);
    for (const event of all) this.#event(event, sender);
    if (kind.$kind === "SubmitEquivocation") this.#o.coverage.evidence += 1;
    if (kind.$kind === "Delegate" || kind.$kind === "Undelegate") this.#o.coverage.stakeChanges += 1;
    this.#money.moved(sender, kind);
    const done = this.#jobs.transaction({
      digest,
      sender,
      kind,
      commit: commit.index,
      beacon,
      epoch: this.epoch,
      events: all,
    });
    this.#settleEnding(done);
  }

  #settleEnding(done: ReturnType<JobBook["transaction"]>): void {
    if (typeof done === "string") {
      this.#fail(done);
      return;
    }
    for (const { payer, escrow } of done.escrowed) this.#money.pay(payer, -escrow);
    for (const { pays, burned } of done.endings) {
      for (const { to, amount } of pays) this.#money.pay(to, amount);
      this.#money.recycle(burned);
    }
  }

  #event(event: LedgerEvent, sender: string | null): void {
    if (event.Slashed === undefined) return;
    const { operator, cause, job } = event.Slashed;
    const amount = BigInt(event.Slashed.amount);
    const isHeard = cause === "reveal" && this.#jobs.isBeingMissed(job ?? "", operator);
    const share =
      sender === null || isHeard ? 0n : (amount * BigInt(this.#o.parameters.evidenceShareBps)) / 10_000n;
    if (sender !== null) this.#money.pay(sender, share);
    this.#money.recycle(amount - share);
    const { coverage } = this.#o;
    if (cause === "equivocation") {
      coverage.slashesEquivocation += 1;
      if (this.#o.honestValidators.has(operator))
        this.#fail(`${short(operator)} is slashed and never equivocated`);
      return;
    }
    if (cause === "unselected") coverage.slashesUnselected += 1;
    if (cause === "reveal") coverage.slashesReveal += 1;
    if (cause === "opt-out-commit") coverage.slashesOptOutCommit += 1;
    if (cause === "no-signature") coverage.slashesNoSignature += 1;
    if (cause === "opt-out-commit" && this.#o.honestEncoders.has(operator)) {
      this.#fail(`${short(operator)} is slashed for an opt-out beside its commit`);
    }
    this.#say(this.#jobs.slashed(job ?? "", operator, cause));
  }

  #over(job: Job): void {
    this.#say(this.#jobs.over(job.id));
    if (job.escrow !== 0n) this.#fail(`job ${short(job.id)} is over and holds ${job.escrow}`);
  }

  settled(node: string, opened: EpochInfo, ledger: Ledger): void {
    const known = this.#epochs.get(opened.epoch);
    if (known !== undefined) return;
    const before = this.epoch;
    this.#epochs.set(opened.epoch, opened);
    this.#epoch = opened;
    this.#money.read(ledger);
    this.#o.record(`epoch ${opened.epoch} by ${node} ${opened.committee.length} ${opened.baseFee}`);
    const ids = (info: EpochInfo) => new Set(info.committee.map(({ validator }) => validator));
    const [was, is] = [ids(before), ids(opened)];
    const gone = [...was].filter((id) => !is.has(id));
    const { coverage, honestValidators } = this.#o;
    coverage.validatorsJoined += [...is].filter((id) => !was.has(id)).length;
    coverage.validatorsLeft += gone.filter((id) => honestValidators.has(id)).length;
    coverage.validatorsBanned += gone.filter((id) => !honestValidators.has(id)).length;
  }

  /** Facts of an epoch that somebody opened. */
  epochOf(epoch: bigint): EpochInfo {
    return this.#epochs.get(epoch)!;
  }

  /** All validators build the same checkpoints. */
  checkpoint(node: string, { checkpoint, digest }: OwnCheckpoint): void {
    const known = this.#checkpoints.get(checkpoint.sequence);
    if (known === undefined) {
      this.#checkpoints.set(checkpoint.sequence, digest);
      this.#o.record(`checkpoint ${checkpoint.sequence} ${digest}`);
    } else if (known !== digest)
      this.#fail(`${short(node)} builds another checkpoint ${checkpoint.sequence}`);
  }

  certified(node: string, { checkpoint }: CertifiedCheckpoint): void {
    this.#o.coverage.checkpoints += 1;
    this.believed(node, checkpoint.sequence, checkpointDigest(SIM_CHAIN, checkpoint));
  }

  /** Somebody takes a checkpoint for the network's. */
  believed(node: string, sequence: bigint, digest: string): void {
    const known = this.#checkpoints.get(sequence);
    if (known !== digest) this.#fail(`${short(node)} believes another checkpoint ${sequence}`);
  }

  /** A validator's signature over a checkpoint: honest ones sign one of a number, whatever befell their disks. */
  shared(signer: string, sequence: bigint, digest: string): void {
    if (!this.#o.honestValidators.has(signer)) return;
    const key = `${signer}/${sequence}`;
    const known = this.#shares.get(key);
    if (known === undefined) this.#shares.set(key, digest);
    else if (known !== digest) this.#fail(`${short(signer)} signs two checkpoints ${sequence}`);
  }

  /** GAME-3, GAME-5: an honest encoder makes one commit an attempt, and reveals after the selection alone. */
  said(encoder: string, message: JobMessage): void {
    if (!this.#o.honestEncoders.has(encoder)) return;
    if (message.Commit !== undefined) {
      const { job, attempt, commitHash } = message.Commit.commit;
      const key = `${encoder}/${job}/${attempt}`;
      const known = this.#commitments.get(key);
      if (known === undefined) this.#commitments.set(key, commitHash);
      else if (known !== commitHash) this.#fail(`${short(encoder)} makes two commits of one attempt`);
    }
    if (message.Reveal !== undefined && !this.#jobs.maySee(message.Reveal.reveal.reveal.job)) {
      this.#fail(`${short(encoder)} reveals before the selection`);
    }
  }

  /** What an encoder's core says must not happen. */
  alarm(encoder: string, job: string, code: string): void {
    this.#fail(`${short(encoder)} raises ${code} in job ${short(job)}`);
  }

  /** Bytes of some block of an honest validator. */
  honestBlock(): Uint8Array | null {
    return this.#honestBlocks.at(-1) ?? null;
  }

  #rememberBlocks({ blocks }: CommittedSubDag): void {
    const { committee } = this.epoch;
    const block = blocks.find(({ body }) => this.#o.honestValidators.has(committee[body.author]!.validator));
    if (block !== undefined) this.#honestBlocks.push(block.bytes);
    if (this.#honestBlocks.length > 8) this.#honestBlocks.shift();
  }

  #say(fault: string | null): void {
    if (fault !== null) this.#fail(fault);
  }

  #fail(reason: string): void {
    this.#o.judge.diverged(reason);
  }
}
