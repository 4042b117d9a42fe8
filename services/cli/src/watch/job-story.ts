import { formatAmount } from "@soma/client";
import {
  type CommitLeaf,
  drawShard,
  type EpochInfo,
  type EvaluationResult,
  type Hex32,
  type JobId,
  type JobOutcome,
  type LedgerEvent,
  modalityOf,
  type Parameters,
  type TransactionKind,
  type VerifiedFacts,
  type VerifiedTransaction,
} from "@soma/protocol";
import { jobOf } from "@soma/state/core";

export type StoryStage =
  | "paid"
  | "drawn"
  | "posted"
  | "selected"
  | "bundled"
  | "slashed"
  | "refused"
  | "closed";

/** One thing that the ledger proved of a job. */
export interface StoryLine {
  readonly stage: StoryStage;
  readonly commit: bigint;
  /** Of the commit, milliseconds since 1970. */
  readonly timestampMs: number | undefined;
  /** One line for a person. */
  readonly text: string;
  /** The same for a program. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface JobEnd {
  readonly outcome: JobOutcome;
  /** What was evaluated, if an evaluation closed it. */
  readonly result: EvaluationResult | undefined;
}

export interface StoryOptions {
  readonly job: JobId;
  readonly chainId: string;
  readonly parameters: Parameters;
  /** What a proven epoch was, by number. */
  readonly epochInfo: (epoch: bigint) => EpochInfo | undefined;
  readonly nameOf: (id: Hex32) => string;
}

/** Commits whose time and beacon are remembered: an attempt is drawn some commits after the payment. */
const COMMITS_KEPT = 4_096;

interface Paid {
  readonly modality: number;
  readonly epoch: EpochInfo | undefined;
}

/** Picks one job's story out of the ledger's proven facts, given in their order. */
export class JobStory {
  readonly #options: StoryOptions;
  readonly #commits = new Map<bigint, CommitLeaf>();
  #paid: Paid | undefined;
  end: JobEnd | undefined;
  /** Set if the ledger refused the payment: then there is no job. */
  refusal: string | undefined;

  constructor(options: StoryOptions) {
    this.#options = options;
  }

  /** What these facts say of the job, in the ledger's order. */
  take(facts: VerifiedFacts): StoryLine[] {
    for (const leaf of facts.commits) {
      this.#commits.set(leaf.index, leaf);
      if (this.#commits.size > COMMITS_KEPT) this.#commits.delete(this.#commits.keys().next().value!);
    }
    const effects = [
      ...facts.transactions.map((transaction) => ({ commit: transaction.leaf.commit, transaction })),
      ...facts.deadlines.map(({ commit, events }) => ({ commit, events })),
    ].sort((a, b) => Number(a.commit - b.commit));
    return effects.flatMap((effect) =>
      "transaction" in effect
        ? this.#transaction(effect.transaction, facts.checkpoint.epoch)
        : effect.events.flatMap((event) => this.#event(event, effect.commit, undefined)),
    );
  }

  #transaction({ leaf, signed }: VerifiedTransaction, epoch: bigint): StoryLine[] {
    const { kind, sender } = signed.transaction;
    const { job } = this.#options;
    const isPayment = leaf.digest === job;
    if (!isPayment && jobOf(kind) !== job)
      return leaf.events.flatMap((event) => this.#event(event, leaf.commit, kind));
    if (leaf.refusal !== "") {
      // Who was a moment late with the same proof: no news of a job that is over.
      if (this.end !== undefined) return [];
      if (isPayment) this.refusal = leaf.refusal;
      const text = `${kind.$kind} was refused: ${leaf.refusal}`;
      return [this.#line("refused", leaf.commit, text, { kind: kind.$kind, code: leaf.refusal })];
    }
    if (isPayment && kind.GenerateEmbeddings !== undefined) {
      const { modality } = kind.GenerateEmbeddings;
      this.#paid = { modality, epoch: this.#options.epochInfo(epoch) };
    }
    const events = leaf.events.flatMap((event) => this.#event(event, leaf.commit, kind, sender));
    return [...this.#posted(kind, leaf.commit), ...events];
  }

  #posted(kind: TransactionKind, commit: bigint): StoryLine[] {
    const encoder = postedBy(kind);
    if (encoder === undefined) return [];
    const text = `${POSTED[kind.$kind]} of ${this.#options.nameOf(encoder)}`;
    return [this.#line("posted", commit, text, { kind: kind.$kind, encoder })];
  }

  #event(event: LedgerEvent, commit: bigint, kind: TransactionKind | undefined, sender?: Hex32): StoryLine[] {
    const { job, nameOf } = this.#options;
    if (event.$kind === "Slashed") {
      const { operator, amount, cause } = event.Slashed;
      if (event.Slashed.job !== job) return [];
      const text = `${nameOf(operator)} loses ${formatAmount(amount)} tokens of stake: ${cause}`;
      return [this.#line("slashed", commit, text, { operator, amount, cause })];
    }
    const about = Object.values(event).find((part): part is { job: JobId } => typeof part === "object");
    if (about?.job !== job) return [];
    switch (event.$kind) {
      case "JobPaid":
        return [this.#paidLine(event.JobPaid.escrow, commit, kind, sender)];
      case "ShardDrawn":
        return [this.#drawnLine(event.ShardDrawn.attempt, commit)];
      case "JobSelected":
        return [this.#selectedLine(commit, kind)];
      case "JobBundled":
        return [this.#bundledLine(commit, kind)];
      case "JobClosed":
        return [this.#closedLine(event.JobClosed.outcome, commit, kind)];
    }
  }

  #paidLine(escrow: bigint, commit: bigint, kind: TransactionKind | undefined, payer?: Hex32): StoryLine {
    const { items = 0, sizeBytes = 0n, modality = 0 } = kind?.GenerateEmbeddings ?? {};
    const what = `${items} ${items === 1 ? "item" : "items"}, ${sizeBytes} bytes of ${modalityOf(modality) ?? "data"}`;
    const text = `${what}; ${formatAmount(escrow)} tokens in escrow`;
    return this.#line("paid", commit, text, { items, sizeBytes, escrow, payer: payer ?? null });
  }

  /** Who was drawn follows from the commit's beacon and the roster of the epoch that the job was paid in (SHARD-3). */
  #drawnLine(attempt: number, commit: bigint): StoryLine {
    const { chainId, parameters, job } = this.#options;
    const beacon = this.#commits.get(commit)?.beacon;
    const epoch = this.#paid?.epoch;
    const shard =
      beacon === undefined || epoch === undefined
        ? undefined
        : drawShard({ chainId, epoch, parameters, modality: this.#paid!.modality, beacon, job, attempt });
    if (shard?.ok !== true) return this.#line("drawn", commit, `attempt ${attempt}`, { attempt });
    const { seats, seatsOf, quorum } = shard.value;
    const text = `attempt ${attempt}: ${seats.length} seats on ${seatsOf.size} encoders, ${quorum} are a quorum`;
    return this.#line("drawn", commit, text, { attempt, seats: Object.fromEntries(seatsOf), quorum });
  }

  #selectedLine(commit: bigint, kind: TransactionKind | undefined): StoryLine {
    const encoders = kind?.SelectCommits?.commits.map(({ commit: { encoder } }) => encoder);
    const text = encoders === undefined ? "by the commits that were posted" : this.#names(encoders);
    return this.#line("selected", commit, text, { encoders: encoders ?? null });
  }

  #bundledLine(commit: bigint, kind: TransactionKind | undefined): StoryLine {
    const encoders = kind?.PostBundle?.reveals.map(({ reveal }) => reveal.encoder);
    const text =
      encoders === undefined ? "by the reveals that were posted" : `evaluated: ${this.#names(encoders)}`;
    return this.#line("bundled", commit, text, { encoders: encoders ?? null });
  }

  #closedLine(outcome: JobOutcome, commit: bigint, kind: TransactionKind | undefined): StoryLine {
    this.end = { outcome, result: kind?.FinalProof?.result ?? kind?.PostEvaluation?.result };
    const { $kind } = outcome;
    const detail = { outcome: $kind, ...outcomeDetail(outcome), scores: this.end.result?.scores ?? null };
    return this.#line("closed", commit, outcomeText(outcome, this.#options.nameOf), detail);
  }

  #names(encoders: readonly Hex32[]): string {
    return encoders.map(this.#options.nameOf).join(", ");
  }

  #line(stage: StoryStage, commit: bigint, text: string, detail: StoryLine["detail"]): StoryLine {
    const time = this.#commits.get(commit)?.timestampMs;
    return { stage, commit, timestampMs: time === undefined ? undefined : Number(time), text, detail };
  }
}

const POSTED: Partial<Record<TransactionKind["$kind"], string>> = {
  PostCommit: "commit",
  PostOptOut: "opt-out",
  PostReceipt: "receipt",
  PostReveal: "reveal",
  PostEvaluation: "evaluation",
  PostUnavailable: "notice of missing vectors",
};

/** Whose message a transaction carries, of those that stand in for the submitter's own. */
function postedBy(kind: TransactionKind): Hex32 | undefined {
  return (
    kind.PostCommit?.commit.commit.encoder ??
    kind.PostOptOut?.optOut.optOut.encoder ??
    kind.PostReceipt?.receipt.receipt.encoder ??
    kind.PostReveal?.reveal.reveal.encoder ??
    kind.PostEvaluation?.evaluation.message.encoder ??
    kind.PostUnavailable?.unavailable.unavailable.encoder
  );
}

/** The payments of an outcome, as the ledger made them. */
function outcomeDetail(outcome: JobOutcome): Record<string, unknown> {
  const { $kind, ...variants } = outcome;
  return { ...Object.values(variants).find((part) => typeof part === "object") };
}

function outcomeText(outcome: JobOutcome, nameOf: (id: Hex32) => string): string {
  const tokens = (amount: bigint) => `${formatAmount(amount)} tokens`;
  switch (outcome.$kind) {
    case "Settled":
      return `settled: ${nameOf(outcome.Settled.winner)} wins ${tokens(outcome.Settled.paid)}`;
    case "AllDisqualified":
      return `all were disqualified: ${tokens(outcome.AllDisqualified.refunded)} come back to the payer`;
    case "Shared":
      return `the submitter was gone: ${tokens(outcome.Shared.paid)} for those who committed, ${tokens(outcome.Shared.refunded)} come back`;
    case "Refunded":
      return `no result in time (${outcome.Refunded.cause}): ${tokens(outcome.Refunded.refunded)} come back to the payer`;
    case "Voided":
      return `two selections were signed: ${tokens(outcome.Voided.forfeited)} are forfeited`;
    case "BadData":
      return `the data was bad: ${tokens(outcome.BadData.paid)} for those who said so, ${tokens(outcome.BadData.refunded)} come back`;
  }
}
