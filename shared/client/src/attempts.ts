import { SomaError } from "@soma/base";
import {
  drawCommit,
  drawShard,
  type EpochInfo,
  type Genesis,
  modalityNumber,
  type Parameters,
  type Shard,
} from "@soma/protocol";
import type { EncoderAnswers } from "./encoder-answers.ts";
import type { JobFacts } from "./job-facts.ts";
import type { Say, Stage } from "./job-progress.ts";
import type { JobTransactions } from "./job-transactions.ts";
import { type OfferOptions, offerToShard } from "./offers.ts";
import { sendInTime } from "./send-in-time.ts";
import type { Waiting } from "./waiting.ts";

export interface AttemptsOptions extends Omit<OfferOptions, "chainId" | "shard" | "answers"> {
  readonly genesis: Genesis;
  readonly parameters: Parameters;
  /** The epoch in which the job was paid. */
  readonly epoch: EpochInfo;
  readonly answers: EncoderAnswers;
  readonly facts: JobFacts;
  readonly transactions: JobTransactions;
  readonly waiting: Waiting;
  /** Milliseconds to wait for slower commits after a quorum of seats has committed. */
  readonly commitGraceMs: number;
  readonly say: Say;
  readonly stage: Stage;
}

/** From the payment to the selection (GAME-2 to GAME-4): one shard after another, until one commits in time. */
export class Attempts {
  readonly #o: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#o = options;
  }

  /**
   * Ends when a selection is on the ledger, or the job is closed.
   * @param signed the attempt whose selection the journal holds already, if any
   */
  async select(signed: number | undefined): Promise<void> {
    if (signed !== undefined && (await this.#resume(signed))) return;
    const { parameters } = this.#o;
    for (let attempt = signed === undefined ? 0 : signed + 1; attempt < parameters.shardAttempts; attempt++) {
      if (await this.#try(attempt)) return;
    }
  }

  /** One attempt; false if the ledger goes on to the next. */
  async #try(attempt: number): Promise<boolean> {
    const { facts, answers, waiting, say, stage } = this.#o;
    const shard = await this.#draw(attempt);
    if (shard === undefined) return true;
    answers.expect(shard);
    say("drawn", `${shard.seats.length} seats on ${shard.seatsOf.size} encoders, quorum ${shard.quorum}`, {
      attempt,
      seats: shard.seats.length,
      encoders: shard.seatsOf.size,
    });
    const offering = new AbortController();
    const { chainId } = this.#o.genesis;
    const offers = stage("offer to shard", () =>
      offerToShard({ ...this.#o, chainId, shard }, offering.signal),
    );
    try {
      const hasQuorum = () => answers.seats >= shard.quorum;
      await waiting.until(() => hasQuorum() || facts.head >= this.#over(attempt) || this.#isOver());
      if (this.#isOver()) return true;
      if (!hasQuorum()) return false;
      await waiting.until(() => answers.decided >= shard.seatsOf.size, this.#o.commitGraceMs);
      return await stage("select", () => this.#selectFrom(shard));
    } finally {
      offering.abort();
      await offers;
    }
  }

  /** A selection stands, or there is none to come. */
  #isOver(): boolean {
    return this.#o.facts.selection !== undefined || this.#o.facts.closed !== undefined;
  }

  /** The commit that ends an attempt, by drawing the next. */
  #over(attempt: number): bigint {
    return drawCommit(this.#o.facts.paid!.commit, attempt + 1, this.#o.parameters);
  }

  /** The shard of an attempt; undefined if the job closed before it was drawn. */
  async #draw(attempt: number): Promise<Shard | undefined> {
    const { facts, genesis, epoch, parameters, waiting } = this.#o;
    const paid = facts.paid!;
    const commit = drawCommit(paid.commit, attempt, parameters);
    facts.wantDraw(commit);
    const beacon = await waiting.until(() => facts.draw(commit) ?? (facts.closed && null));
    if (beacon === null) return undefined;
    const shard = drawShard({
      chainId: genesis.chainId,
      epoch,
      parameters,
      modality: modalityNumber("text"),
      beacon,
      job: paid.job,
      attempt,
    });
    if (!shard.ok) throw new SomaError(shard.code, shard.message);
    return shard.value;
  }

  async #selectFrom(shard: Shard): Promise<boolean> {
    const { answers, transactions, say } = this.#o;
    const { commits, seats } = answers;
    say("committed", `${commits.length} commits, ${seats} of ${shard.seats.length} seats`, {
      commits: commits.length,
      seats,
    });
    return this.#send(shard.attempt, () => transactions.select(shard.job, shard.attempt, commits));
  }

  /** Goes on with the selection in the journal. */
  async #resume(attempt: number): Promise<boolean> {
    await this.#draw(attempt);
    if (this.#isOver()) return true;
    return this.#send(attempt, () => this.#o.transactions.resume("selection"));
  }

  /** Sends an attempt's selection; false if the ledger has gone on to another attempt. */
  async #send(attempt: number, send: () => Promise<void>): Promise<boolean> {
    const { facts } = this.#o;
    const isNext = () => facts.head >= this.#over(attempt);
    const what = { name: "selection", send } as const;
    const isTaken = await sendInTime(this.#o, what, () => facts.selection !== undefined || isNext());
    return isTaken || this.#isOver() || !isNext();
  }
}
