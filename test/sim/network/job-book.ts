import type { EpochInfo, JobOutcome, LedgerEvent, Parameters, TransactionKind } from "@soma/protocol";
import { short } from "../consensus/observer.ts";
import { AuditedJob, type Ending } from "./audited-job.ts";
import type { NetworkCoverage } from "./coverage.ts";

/** What a transaction or a deadline did to jobs. */
export interface JobMovements {
  readonly escrowed: { readonly payer: string; readonly escrow: bigint }[];
  readonly endings: Ending[];
}

export interface AuditedTransaction {
  readonly digest: string;
  readonly sender: string;
  readonly kind: TransactionKind;
  readonly commit: bigint;
  readonly beacon: string;
  readonly epoch: EpochInfo;
  readonly events: readonly LedgerEvent[];
}

/** All jobs of a run, each followed a second time. */
export class JobBook {
  readonly #jobs = new Map<string, AuditedJob>();
  readonly #over = new Set<string>();
  readonly #parameters: Parameters;
  readonly #coverage: NetworkCoverage;
  #missed: { job: string; encoder: string } | null = null;

  constructor(options: { readonly parameters: Parameters; readonly coverage: NetworkCoverage }) {
    this.#parameters = options.parameters;
    this.#coverage = options.coverage;
  }

  get open(): number {
    return [...this.#jobs.values()].filter(({ outcome }) => outcome === null).length;
  }

  get closed(): number {
    return this.#jobs.size - this.open;
  }

  /** Whether reveals of a job may be shown: its selection stands. */
  maySee(job: string): boolean {
    const phase = this.#jobs.get(job)?.phase;
    return phase === "selected" || phase === "bundled" || phase === "closed";
  }

  /** The transaction whose events follow. */
  about(kind: TransactionKind): void {
    const said = kind.$kind === "PostUnavailable" ? kind.PostUnavailable.unavailable.unavailable : null;
    this.#missed = said === null ? null : { job: said.job, encoder: said.missing };
  }

  /** Whether the slash that is being told of follows from others' word that its vectors are missing. */
  isBeingMissed(job: string, encoder: string): boolean {
    return this.#missed?.job === job && this.#missed.encoder === encoder;
  }

  transaction(input: AuditedTransaction): JobMovements | string {
    const { kind, digest, sender, commit, epoch } = input;
    if (kind.$kind === "GenerateEmbeddings") {
      if (this.#jobs.has(digest)) return `job ${short(digest)} is paid for twice`;
      const request = kind.GenerateEmbeddings;
      const job = new AuditedJob({
        id: digest,
        payer: sender,
        epoch,
        commit,
        request,
        parameters: this.#parameters,
      });
      this.#jobs.set(digest, job);
      this.#coverage.jobsPaid += 1;
      const paid = input.events[0]?.JobPaid;
      if (paid === undefined || BigInt(paid.escrow) !== job.escrow)
        return `job ${short(digest)} escrows another sum`;
      return { escrowed: [{ payer: sender, escrow: job.escrow }], endings: [] };
    }
    const fault = this.#play(input);
    if (fault !== null) return fault;
    return this.#events(input.events, commit, input.beacon, false, kind);
  }

  deadline(commit: bigint, beacon: string, events: readonly LedgerEvent[]): JobMovements | string {
    return this.#events(events, commit, beacon, true, null);
  }

  /** The transaction's own part, before what it caused. */
  #play({ kind, commit, events }: AuditedTransaction): string | null {
    const job = this.#jobOf(kind);
    if (job === null) return null;
    if (job === undefined) return `a transaction about a job that nobody paid for: ${kind.$kind}`;
    const say = (fault: string | null) => (fault === null ? null : `job ${short(job.id)}: ${fault}`);
    if (kind.$kind === "SelectCommits") {
      const isVoid = events.some((event) => event.JobClosed !== undefined);
      return isVoid ? null : say(job.selected(kind.SelectCommits, commit));
    }
    if (kind.$kind === "PostBundle") {
      if (!job.bundleSigned(kind.PostBundle)) return say("a bundle that the session did not sign");
      for (const reveal of kind.PostBundle.reveals) {
        const fault = job.revealed(reveal);
        if (fault !== null) return say(fault);
      }
      return say(
        job.bundled(
          kind.PostBundle.reveals.map(({ reveal }) => reveal.encoder),
          commit,
        ),
      );
    }
    if (kind.$kind === "FinalProof") return say(job.proved(kind.FinalProof));
    if (kind.$kind === "PostCommit") this.#coverage.postedCommits += 1;
    if (kind.$kind === "PostReveal") this.#coverage.postedReveals += 1;
    if (kind.$kind === "PostOptOut") this.#coverage.optOuts += 1;
    return say(job.noted(kind, commit));
  }

  /** Null for a transaction about no job. */
  #jobOf(kind: TransactionKind): AuditedJob | undefined | null {
    switch (kind.$kind) {
      case "SelectCommits":
        return this.#jobs.get(kind.SelectCommits.job);
      case "PostCommit":
        return this.#jobs.get(kind.PostCommit.commit.commit.job);
      case "PostOptOut":
        return this.#jobs.get(kind.PostOptOut.optOut.optOut.job);
      case "PostReceipt":
        return this.#jobs.get(kind.PostReceipt.receipt.receipt.job);
      case "PostBundle":
        return this.#jobs.get(kind.PostBundle.job);
      case "PostReveal":
        return this.#jobs.get(kind.PostReveal.reveal.reveal.job);
      case "PostEvaluation":
        return this.#jobs.get(kind.PostEvaluation.evaluation.message.job);
      case "PostUnavailable":
        return this.#jobs.get(kind.PostUnavailable.unavailable.unavailable.job);
      case "FinalProof":
        return this.#jobs.get(kind.FinalProof.result.job);
      default:
        return null;
    }
  }

  #events(
    events: readonly LedgerEvent[],
    commit: bigint,
    beacon: string,
    isDeadline: boolean,
    kind: TransactionKind | null,
  ): JobMovements | string {
    const endings: Ending[] = [];
    for (const event of events) {
      if (event.ShardDrawn !== undefined) {
        const { job: id, attempt, shard } = event.ShardDrawn;
        if (Number(attempt) > 0) this.#coverage.furtherAttempts += 1;
        const fault = this.#jobs.get(id)?.drawn(Number(attempt), commit, beacon, shard);
        if (fault !== null) return `job ${short(id)}: ${fault ?? "drawn without a payment"}`;
      }
      if (event.JobBundled !== undefined && isDeadline) {
        this.#coverage.fallbackSets += 1;
        const fault = this.#jobs.get(event.JobBundled.job)?.bundled(null, commit);
        if (fault !== null)
          return `job ${short(event.JobBundled.job)}: ${fault ?? "bundled without a payment"}`;
      }
      if (event.JobClosed !== undefined) {
        const { job: id, outcome } = event.JobClosed;
        const ending =
          this.#jobs.get(id)?.closed(outcome, isDeadline ? commit : null) ?? "closed without a payment";
        if (typeof ending === "string") return `job ${short(id)}: ${ending}`;
        endings.push(ending);
        this.#count(outcome, kind);
      }
    }
    return { escrowed: [], endings };
  }

  #count(outcome: JobOutcome, kind: TransactionKind | null): void {
    const coverage = this.#coverage;
    switch (outcome.$kind) {
      case "Settled":
        if (kind === null) coverage.jobsSettledByMajority += 1;
        else coverage.jobsSettledByProof += 1;
        return;
      case "Shared":
        coverage.jobsShared += 1;
        return;
      case "Voided":
        coverage.jobsVoided += 1;
        return;
      case "BadData":
        coverage.jobsOfBadData += 1;
        return;
      case "AllDisqualified":
        coverage.jobsAllDisqualified += 1;
        return;
      case "Refunded":
        if (outcome.Refunded.cause === "attempts-exhausted") coverage.jobsExhausted += 1;
        if (outcome.Refunded.cause === "reveals-short") coverage.jobsShortOfReveals += 1;
        if (outcome.Refunded.cause === "no-evaluation") coverage.jobsWithoutEvaluation += 1;
        if (outcome.Refunded.cause === "vectors-unavailable") coverage.jobsWithVectorsUnavailable += 1;
    }
  }

  slashed(id: string, encoder: string, cause: string): string | null {
    const job = this.#jobs.get(id);
    if (job === undefined) return "a slash for no job";
    if (job.slashed.has(`${encoder} ${cause}`)) return `${short(encoder)} is slashed twice for ${cause}`;
    job.slashed.add(`${encoder} ${cause}`);
    return null;
  }

  overdue(commit: bigint): string | null {
    for (const job of this.#jobs.values()) {
      const fault = job.overdue(commit);
      if (fault !== null) return `job ${short(job.id)} is ${fault}`;
    }
    return null;
  }

  /** The ledger forgets the job. */
  over(id: string): string | null {
    const job = this.#jobs.get(id);
    if (job === undefined || job.outcome === null || this.#over.has(id))
      return `job ${short(id)} ends without an outcome`;
    this.#over.add(id);
    const fault = job.unpunished();
    return fault === null ? null : `job ${short(id)}: ${fault}`;
  }
}
