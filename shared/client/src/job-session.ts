import { fromHex, SomaError, toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { Ed25519Key } from "@soma/crypto/native";
import {
  type Digest,
  decodeJobMessage,
  type EpochInfo,
  encodeItems,
  genesisParameters,
  type JobId,
  type LedgerUpdate,
  type Parameters,
  type SignedCommit,
  type VerifiedFacts,
} from "@soma/protocol";
import { outsideSpans, type Telemetry } from "@soma/telemetry";
import { Attempts } from "./attempts.ts";
import { EncoderAnswers } from "./encoder-answers.ts";
import { JobFacts } from "./job-facts.ts";
import { followJob, openJobFollower } from "./job-following.ts";
import type { JobProgress, Say, Stage } from "./job-progress.ts";
import { JobTransactions, type JobTransactionsOptions } from "./job-transactions.ts";
import type { LedgerFollower } from "./ledger-follower.ts";
import { Mailboxes } from "./mailboxes.ts";
import { Reveals } from "./reveals.ts";
import { sendInTime } from "./send-in-time.ts";
import { isLedgerRefusal } from "./submit.ts";
import { pause, Waiting } from "./waiting.ts";

export interface SessionOptions extends Omit<JobTransactionsOptions, "session" | "items" | "dataHash"> {
  readonly onProgress: (progress: JobProgress) => void;
  readonly signal: AbortSignal;
  /** Milliseconds to wait for slower commits after a quorum of seats has committed. */
  readonly commitGraceMs: number;
  /** Milliseconds to wait for slower reveals after the first. */
  readonly revealGraceMs: number;
  readonly telemetry: Telemetry;
}

/** Milliseconds for the light client to prove what a gateway says of the payment. */
const PROVEN_WITHIN_MS = 15_000;

/**
 * The submitter's side of one job (GAME-1 to GAME-8), step by step. It believes only what the light client proves;
 * what the gateway says otherwise can delay it and no more.
 */
export class JobSession {
  readonly #o: SessionOptions;
  readonly #parameters: Parameters;
  readonly #session: Ed25519Key;
  readonly #dataHash: Digest;
  readonly #transactions: JobTransactions;
  readonly #mailboxes: Mailboxes;
  readonly #waiting: Waiting;
  /** Aborted when the session ends, however it does: then no loop and no stage goes on. */
  readonly #stop = new AbortController();
  readonly items: readonly Uint8Array[];
  readonly facts: JobFacts;
  readonly reveals: Reveals;

  constructor(options: SessionOptions) {
    this.#o = options;
    const { client, genesis, journal } = options;
    const parameters = genesisParameters(genesis);
    if (!parameters.ok) throw new SomaError(parameters.code, parameters.message);
    this.#parameters = parameters.value;
    this.#session = Ed25519Key.fromSeed(fromHex(journal.state.sessionSeed));
    this.items = journal.state.items.map(fromHex);
    this.#dataHash = toHex(merkleRoot(this.items));
    this.#waiting = new Waiting(this.#stop.signal, options.signal);
    this.#mailboxes = new Mailboxes(client.http.gateways);
    this.facts = new JobFacts(journal, genesis, options.account.address);
    this.reveals = new Reveals({
      client,
      chainId: genesis.chainId,
      committed: (encoder) =>
        this.facts.selection?.commits.find(({ commit }) => commit.encoder === encoder)?.commit,
      changed: this.#waiting.changed,
    });
    this.#transactions = new JobTransactions({
      ...options,
      session: this.#session,
      items: this.items,
      dataHash: this.#dataHash,
    });
  }

  /** Runs the job to its end, from wherever its journal stands. */
  async run(): Promise<void> {
    const { client, genesis, journal } = this.#o;
    const data = await client.putBlob(encodeItems(this.items));
    this.#say(
      "prepared",
      `${this.items.length} ${this.items.length === 1 ? "item" : "items"}, data hash ${this.#dataHash.slice(0, 12)}`,
      {
        items: this.items.length,
        dataHash: this.#dataHash,
      },
    );
    const follower = await openJobFollower(client, genesis, journal);
    const stop = this.#stop;
    const take = (facts: VerifiedFacts, update: LedgerUpdate) => {
      this.facts.take(facts, update);
      this.#waiting.changed();
    };
    const following = outsideSpans(() => followJob(follower, take, stop.signal));
    const playing = this.#play(follower, data, stop.signal);
    try {
      await Promise.race([playing, following]);
    } finally {
      stop.abort();
      this.#waiting.changed();
      await Promise.allSettled([playing, following]);
      // What the journal does not keep must be read again, not be past: before a selection, the commits of which
      // one draws; and an end that no proof brought.
      const { closed } = this.facts;
      if (journal.state.selection !== null && (closed === undefined || closed.byProof)) {
        journal.state.light = toHex(follower.save());
        journal.save();
      }
    }
  }

  async #play(follower: LedgerFollower, data: Digest, stop: AbortSignal): Promise<void> {
    await this.#stage("pay", () => this.#pay(follower));
    const paid = await this.#waiting.until(() => this.facts.paid);
    this.#say("paid", `job ${paid.job.slice(0, 12)} paid at commit ${paid.commit}`, {
      job: paid.job,
      commit: Number(paid.commit),
    });
    const epoch = follower.light.epochInfo(paid.epoch) ?? follower.light.epoch;
    const answers = new EncoderAnswers(this.#o.genesis.chainId, paid.job, epoch.roster);
    const reading = outsideSpans(() => this.#readMailboxes(paid.job, answers, stop));
    try {
      await Promise.race([this.#steps(epoch, answers, data), reading]);
    } finally {
      // The loop ends with the stop signal; its failure was raced above.
      reading.catch(() => undefined);
    }
  }

  async #steps(epoch: EpochInfo, answers: EncoderAnswers, data: Digest): Promise<void> {
    await new Attempts({
      genesis: this.#o.genesis,
      parameters: this.#parameters,
      epoch,
      session: this.#session,
      dataHash: this.#dataHash,
      data,
      answers,
      facts: this.facts,
      transactions: this.#transactions,
      mailboxes: this.#mailboxes,
      waiting: this.#waiting,
      commitGraceMs: this.#o.commitGraceMs,
      say: this.#say,
      stage: this.#stage,
    }).select(this.#o.journal.state.selection?.attempt);
    const selected = await this.#waiting.until(() => this.facts.selection ?? this.facts.closed);
    if ("commits" in selected) {
      this.#say("selected", `${selected.commits.length} encoders selected`, {
        encoders: selected.commits.length,
      });
      await this.#stage("bundle", () => this.#bundle(selected.commits, selected.commit));
    }
    await this.#stage("await proof", () => this.#waiting.until(() => this.facts.closed));
  }

  async #pay(follower: LedgerFollower): Promise<void> {
    if (this.facts.paid !== undefined) return;
    try {
      await this.#transactions.pay({ facts: this.facts, light: follower.light });
    } catch (error) {
      // The proof of it ends the session, with the payment struck from the journal.
      if (isLedgerRefusal(error)) await this.#waiting.until(() => undefined, PROVEN_WITHIN_MS);
      throw error;
    }
  }

  async #bundle(commits: readonly SignedCommit[], selectedAt: bigint): Promise<void> {
    const { facts } = this;
    const { bundled } = facts;
    const { known } = this.reveals;
    const transactions = this.#transactions;
    if (bundled !== undefined) {
      // A resumed job: the receipt needs the vectors of the set that is on the ledger.
      await this.#waiting.until(() => bundled.every((encoder) => known.has(encoder)), this.#o.revealGraceMs);
      return;
    }
    let send = () => transactions.resume("bundle");
    if (this.#o.journal.state.bundle === null) {
      await this.#waiting.until(() => known.size > 0 || facts.closed);
      if (facts.closed !== undefined) return;
      // The ledger's deadline counts commits (GAME-6): half of them are for the reveals, half for the bundle's way.
      const latest = selectedAt + BigInt(Math.floor(this.#parameters.revealTimeout / 2));
      const isTime = () => known.size >= commits.length || facts.head >= latest;
      await this.#waiting.until(isTime, this.#o.revealGraceMs);
      const reveals = commits.flatMap(({ commit }) => known.get(commit.encoder)?.reveal ?? []);
      this.#say("revealed", `${reveals.length} of ${commits.length} revealed`, { reveals: reveals.length });
      send = () => transactions.bundle(facts.paid!.job, reveals);
    }
    const clock = { facts, waiting: this.#waiting, parameters: this.#parameters };
    await sendInTime(clock, { name: "bundle", send }, () => facts.bundled !== undefined);
    if (facts.closed === undefined) this.#say("bundled", "the evaluated set is on the ledger", {});
  }

  async #readMailboxes(job: JobId, answers: EncoderAnswers, stop: AbortSignal): Promise<never> {
    const hear = (bytes: Uint8Array) => {
      const decoded = decodeJobMessage(bytes);
      if (!decoded.ok || decoded.value.job !== job) return;
      const { message } = decoded.value;
      if (!answers.take(message)) return;
      if (message.$kind === "Receipt") {
        this.#say("received", `${answers.receipts} encoders have the data`, { receipts: answers.receipts });
      }
      if (message.$kind === "Reveal") {
        void this.reveals.fetch(message.Reveal.reveal, message.Reveal.vectors, stop);
      }
      this.#waiting.changed();
    };
    await this.#mailboxes.read(job, hear, (ms) => pause(ms, stop), stop);
    throw new SomaError("JOB_STOPPED", "stopped");
  }

  readonly #stage: Stage = (name, run) => {
    const { paid } = this.facts;
    const attributes = paid === undefined ? {} : { "soma.job": paid.job };
    return this.#o.telemetry.withSpan(name, { attributes }, run);
  };

  readonly #say: Say = (stage, text, detail) => this.#o.onProgress({ stage, text, detail });
}
