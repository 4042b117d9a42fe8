import { fromHex, SomaError, toHex } from "@soma/base";
import { encode } from "@soma/codec";
import { merkleRoot } from "@soma/crypto";
import { Ed25519Key, nativeVerifier } from "@soma/crypto/native";
import type { AccountKey } from "@soma/identity";
import {
  commitHash,
  type Digest,
  dataCommitment,
  decodeJobMessage,
  decodeSignedTransaction,
  drawCommit,
  drawShard,
  type EncoderId,
  type EpochInfo,
  embeddingDigest,
  encodeItems,
  encodeJobMessage,
  type Genesis,
  genesisParameters,
  type JobMessage,
  jobSigningBytes,
  modalityNumber,
  type Parameters,
  ReceiptLinkCodec,
  type Shard,
  type SignedCommit,
  type SignedReveal,
  type TransactionKindInput,
} from "@soma/protocol";
import { outsideSpans, type Telemetry } from "@soma/telemetry";
import type { GatewayClient } from "./gateway-client.ts";
import { JobFacts } from "./job-facts.ts";
import type { JobJournal } from "./job-journal.ts";
import { LedgerFollower } from "./ledger-follower.ts";
import { Mailboxes } from "./mailboxes.ts";
import { isSequenceTaken, prepareTransaction, sendAndWait } from "./submit.ts";

export const JOB_STAGES = [
  "prepared",
  "paid",
  "drawn",
  "received",
  "committed",
  "selected",
  "revealed",
  "bundled",
  "closed",
] as const;
export type JobStage = (typeof JOB_STAGES)[number];

export interface JobProgress {
  readonly stage: JobStage;
  /** One line for a person. */
  readonly text: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

export interface SessionOptions {
  readonly client: GatewayClient;
  readonly genesis: Genesis;
  readonly account: AccountKey;
  readonly journal: JobJournal;
  readonly onProgress: (progress: JobProgress) => void;
  readonly signal: AbortSignal;
  /** Milliseconds to wait for slower commits after a quorum of seats has committed. */
  readonly commitGraceMs: number;
  /** Milliseconds to wait for slower reveals after the first. */
  readonly revealGraceMs: number;
  /** Base units beyond the price, for the winner. */
  readonly tip: bigint;
  /** Refuses to pay more than this a byte; twice the epoch's price if it is undefined. */
  readonly maxPricePerByte: bigint | undefined;
  readonly telemetry: Telemetry;
}

/** Offers without a receipt are shown again after this. */
const OFFER_AGAIN_MS = 1_500;
/** Ledger updates that no gateway has yet are asked for again after this. */
const ASK_AGAIN_MS = 250;
/** Vectors that no gateway has yet are asked for again after this. */
const FETCH_AGAIN_MS = 500;
/** Times that a transaction is signed anew because another one of the account used its sequence number. */
const SIGN_AGAIN = 3;

/**
 * The submitter's side of one job (GAME-1 to GAME-8). It believes only what the light client proves; what the
 * gateway says otherwise can delay it and no more.
 */
export class JobSession {
  readonly #o: SessionOptions;
  readonly #parameters: Parameters;
  readonly #session: Ed25519Key;
  readonly #items: readonly Uint8Array[];
  readonly #dataHash: Digest;
  readonly facts: JobFacts;
  readonly #receipts = new Set<EncoderId>();
  readonly #optedOut = new Set<EncoderId>();
  readonly #commits = new Map<EncoderId, SignedCommit>();
  readonly #reveals = new Map<EncoderId, { reveal: SignedReveal; blob: Uint8Array }>();
  readonly #fetching = new Set<EncoderId>();
  readonly #mailboxes: Mailboxes;
  #attempt = 0;
  #shard: Shard | undefined;
  #changed: () => void = () => {};
  /** Aborted when the session ends, however it does: then no loop and no stage goes on. */
  readonly #stop = new AbortController();

  constructor(options: SessionOptions) {
    this.#o = options;
    const parameters = genesisParameters(options.genesis);
    if (!parameters.ok) throw new SomaError(parameters.code, parameters.message);
    this.#parameters = parameters.value;
    this.#session = Ed25519Key.fromSeed(fromHex(options.journal.state.sessionSeed));
    this.#items = options.journal.state.items.map(fromHex);
    this.#dataHash = toHex(merkleRoot(this.#items));
    this.facts = new JobFacts(options.journal, options.genesis);
    this.#mailboxes = new Mailboxes(options.client.http.gateways);
  }

  /** Reveals by encoder with their vectors, for the receipt. */
  get reveals(): ReadonlyMap<EncoderId, { reveal: SignedReveal; blob: Uint8Array }> {
    return this.#reveals;
  }

  get items(): readonly Uint8Array[] {
    return this.#items;
  }

  /** Runs the job to its end, from wherever its journal stands. */
  async run(): Promise<void> {
    const { client, journal } = this.#o;
    const data = await client.putBlob(encodeItems(this.#items));
    this.#say("prepared", `${this.#items.length} items, data hash ${this.#dataHash.slice(0, 12)}`, {
      items: this.#items.length,
      dataHash: this.#dataHash,
    });
    const follower = await this.#openFollower();
    const stop = this.#stop;
    const following = outsideSpans(() => this.#follow(follower, stop.signal));
    const playing = this.#play(follower, data, stop.signal);
    try {
      await Promise.race([playing, following]);
    } finally {
      stop.abort();
      this.#changed();
      await Promise.allSettled([playing, following]);
      // Before a selection, which attempt draws is open: its commits must be read again, not be past.
      if (journal.state.selection !== null) {
        journal.state.light = toHex(follower.save());
        journal.save();
      }
    }
  }

  async #play(follower: LedgerFollower, data: Digest, stop: AbortSignal): Promise<void> {
    await this.#stage("pay", () => this.#pay(follower.light.epoch));
    const paid = await this.#until(() => this.facts.paid);
    this.#say("paid", `job ${paid.job.slice(0, 12)} paid at commit ${paid.commit}`, {
      job: paid.job,
      commit: Number(paid.commit),
    });
    const epoch = follower.light.epochInfo(paid.epoch) ?? follower.light.epoch;
    const reading = outsideSpans(() => this.#readMailboxes(epoch, stop));
    try {
      await Promise.race([this.#steps(epoch, data), reading]);
    } finally {
      // The loop ends with the stop signal; its failure was raced above.
      reading.catch(() => undefined);
    }
  }

  async #steps(epoch: EpochInfo, data: Digest): Promise<void> {
    if (this.#o.journal.state.selection === null) await this.#select(epoch, data);
    else await this.#resumeSelection(epoch);
    const selected = await this.#until(() => this.facts.selection ?? this.facts.closed);
    if ("commits" in selected) {
      this.#say("selected", `${selected.commits.length} encoders selected`, {
        encoders: selected.commits.length,
      });
      await this.#stage("bundle", () => this.#bundle(selected.commits, selected.commit));
    }
    await this.#stage("await proof", () => this.#until(() => this.facts.closed));
  }

  async #pay(epoch: EpochInfo): Promise<void> {
    const { journal, account, genesis } = this.#o;
    if (journal.state.payment === null) {
      const kind: TransactionKindInput = {
        GenerateEmbeddings: {
          modality: modalityNumber("text"),
          dataCommitment: dataCommitment(genesis.chainId, this.#dataHash, account.address),
          sizeBytes: BigInt(this.#items.reduce((sum, item) => sum + item.length, 0)),
          items: this.#items.length,
          sessionKey: this.#session.publicKey,
          // The payment may commit in the next epoch, whose price is at most twice this one's (ECON-4).
          maxPricePerByte: this.#o.maxPricePerByte ?? 2n * (epoch.prices[modalityNumber("text")] ?? 0n),
          jobTip: this.#o.tip,
        },
      };
      journal.state.payment = await this.#prepare(kind);
      journal.save();
    }
    if (this.facts.paid === undefined) await this.#send("payment");
  }

  /** Offers, receipts, commits, and the selection; a new attempt when the ledger draws another shard. */
  async #select(epoch: EpochInfo, data: Digest): Promise<void> {
    for (;;) {
      const shard = await this.#draw(epoch, this.#attempt);
      this.#say(
        "drawn",
        `${shard.seats.length} seats on ${shard.seatsOf.size} encoders, quorum ${shard.quorum}`,
        {
          attempt: shard.attempt,
          seats: shard.seats.length,
          encoders: shard.seatsOf.size,
        },
      );
      const expires = drawCommit(this.facts.paid!.commit, this.#attempt + 1, this.#parameters);
      const offering = new AbortController();
      const offers = this.#stage("offer to shard", () => this.#offer(shard, data, offering.signal));
      try {
        await this.#until(
          () => this.#seats() >= shard.quorum || this.facts.head >= expires || this.facts.closed,
        );
        if (this.facts.closed !== undefined) return;
        if (this.#seats() >= shard.quorum) {
          const everybody = () => this.#commits.size + this.#optedOut.size >= shard.seatsOf.size;
          await this.#until(everybody, this.#o.commitGraceMs);
          await this.#stage("select", () => this.#sendSelection(shard));
          return;
        }
      } finally {
        offering.abort();
        await offers;
      }
      this.#attempt += 1;
      this.#commits.clear();
      this.#receipts.clear();
      this.#optedOut.clear();
    }
  }

  async #draw(epoch: EpochInfo, attempt: number): Promise<Shard> {
    const paid = this.facts.paid!;
    const commit = drawCommit(paid.commit, attempt, this.#parameters);
    this.facts.wantDraw(commit);
    const draw = await this.#until(() => this.facts.draw(commit) ?? (this.facts.closed && null));
    if (draw === null) throw new SomaError("JOB_CLOSED", "the job closed before a shard answered");
    const shard = drawShard({
      chainId: this.#o.genesis.chainId,
      epoch,
      parameters: this.#parameters,
      modality: modalityNumber("text"),
      beacon: draw,
      job: paid.job,
      attempt,
    });
    if (!shard.ok) throw new SomaError(shard.code, shard.message);
    this.#shard = shard.value;
    return shard.value;
  }

  async #offer(shard: Shard, data: Digest, stop: AbortSignal): Promise<void> {
    const offer = { job: shard.job, attempt: shard.attempt, dataHash: this.#dataHash };
    const sessionSignature = this.#session.sign(jobSigningBytes(this.#o.genesis.chainId, "offer", offer));
    const shown = new Set<string>();
    const hasAnswered = (encoder: EncoderId) => this.#receipts.has(encoder) || hasDecided(encoder);
    const hasDecided = (encoder: EncoderId) => this.#commits.has(encoder) || this.#optedOut.has(encoder);
    while (!stop.aborted) {
      for (const { client, validator } of await this.#mailboxes.open()) {
        const message = { Offer: { offer, data, sessionSignature } };
        const body = encodeJobMessage({ job: shard.job, mailbox: validator, message });
        await Promise.all(
          [...shard.seatsOf.keys()].map(async (encoder) => {
            const way = `${encoder} ${validator}`;
            if (hasDecided(encoder) || (hasAnswered(encoder) && shown.has(way))) return;
            await client.relay(shard.job, encoder, body).then(
              () => shown.add(way),
              () => undefined /* shown again below */,
            );
          }),
        );
      }
      await this.#pause(OFFER_AGAIN_MS, stop);
    }
  }

  async #sendSelection(shard: Shard): Promise<void> {
    const { genesis, journal } = this.#o;
    const commits = [...this.#commits.values()];
    this.#say("committed", `${commits.length} commits, ${this.#seats()} of ${shard.seats.length} seats`, {
      commits: commits.length,
      seats: this.#seats(),
    });
    const selection = { job: shard.job, attempt: shard.attempt, dataHash: this.#dataHash, commits };
    const sessionSignature = this.#session.sign(jobSigningBytes(genesis.chainId, "selection", selection));
    const submission = await this.#prepare({ SelectCommits: { ...selection, sessionSignature } });
    // Two different signed selections void the job (GAME-4): what was signed is remembered before it is sent.
    journal.state.selection = { ...submission, attempt: shard.attempt };
    journal.save();
    await this.#send("selection");
  }

  async #resumeSelection(epoch: EpochInfo): Promise<void> {
    const selection = this.#o.journal.state.selection!;
    this.#attempt = selection.attempt;
    await this.#draw(epoch, selection.attempt);
    if (this.facts.selection === undefined && this.facts.closed === undefined) await this.#send("selection");
  }

  async #bundle(commits: readonly SignedCommit[], selectedAt: bigint): Promise<void> {
    const { genesis, journal } = this.#o;
    const { bundled } = this.facts;
    if (bundled !== undefined) {
      // A resumed job: the receipt needs the vectors of the set that is on the ledger.
      await this.#until(() => bundled.every((encoder) => this.#reveals.has(encoder)), this.#o.revealGraceMs);
      return;
    }
    if (journal.state.bundle === null) {
      await this.#until(() => this.#reveals.size > 0 || this.facts.closed);
      // The ledger's deadline counts commits (GAME-6): half of them are for the reveals, half for the bundle's way.
      const latest = selectedAt + BigInt(Math.floor(this.#parameters.revealTimeout / 2));
      const isTime = () => this.#reveals.size >= commits.length || this.facts.head >= latest;
      await this.#until(isTime, this.#o.revealGraceMs);
      const reveals = commits.flatMap(({ commit }) => this.#reveals.get(commit.encoder)?.reveal ?? []);
      this.#say("revealed", `${reveals.length} of ${commits.length} revealed`, { reveals: reveals.length });
      const bundle = { job: this.facts.paid!.job, reveals };
      const sessionSignature = this.#session.sign(jobSigningBytes(genesis.chainId, "bundle", bundle));
      journal.state.bundle = await this.#prepare({ PostBundle: { ...bundle, sessionSignature } });
      journal.save();
    }
    await this.#send("bundle");
    this.#say("bundled", "the evaluated set is on the ledger", {});
  }

  async #follow(follower: LedgerFollower, stop: AbortSignal): Promise<never> {
    while (!stop.aborted) {
      const asked = performance.now();
      const proven = await follower.next();
      for (const { facts, update } of proven) {
        this.facts.take(facts, update);
        this.#changed();
      }
      // A gateway need not wait as it is asked to.
      if (proven.length === 0 && performance.now() - asked < ASK_AGAIN_MS) {
        await this.#pause(ASK_AGAIN_MS, stop);
      }
    }
    throw new SomaError("JOB_STOPPED", "stopped");
  }

  async #openFollower(): Promise<LedgerFollower> {
    const { client, genesis, journal } = this.#o;
    const { light } = journal.state;
    const follower = LedgerFollower.open({
      client,
      genesis,
      waitMs: 2_000,
      ...(light === null ? {} : { saved: fromHex(light) }),
    });
    if (light === null) {
      const links = await follower.skipToPresent();
      for (const link of links) {
        journal.state.links[String(link.certificate.checkpoint.sequence)] = toHex(
          encode(ReceiptLinkCodec, link),
        );
      }
      journal.state.light = toHex(follower.save());
      journal.save();
    }
    return follower;
  }

  async #readMailboxes(epoch: EpochInfo, stop: AbortSignal): Promise<never> {
    const job = this.facts.paid!.job;
    const hear = (message: Uint8Array) => {
      const decoded = decodeJobMessage(message);
      if (decoded.ok && decoded.value.job === job) this.#hear(decoded.value.message, epoch, stop);
      this.#changed();
    };
    await this.#mailboxes.read(job, hear, (ms) => this.#pause(ms, stop), stop);
    throw new SomaError("JOB_STOPPED", "stopped");
  }

  #hear(message: JobMessage, epoch: EpochInfo, stop: AbortSignal): void {
    const { chainId } = this.#o.genesis;
    const signedBy = (encoder: EncoderId, bytes: Uint8Array, signature: Uint8Array) => {
      const key = epoch.roster.find((entry) => entry.encoder === encoder)?.messageKey;
      return key !== undefined && nativeVerifier.ed25519(key, bytes, signature);
    };
    if (message.$kind === "Receipt") {
      const { receipt, signature } = message.Receipt;
      if (receipt.attempt !== this.#attempt || this.#receipts.has(receipt.encoder)) return;
      if (!signedBy(receipt.encoder, jobSigningBytes(chainId, "receipt", receipt), signature)) return;
      this.#receipts.add(receipt.encoder);
      this.#say("received", `${this.#receipts.size} encoders have the data`, {
        receipts: this.#receipts.size,
      });
    } else if (message.$kind === "Commit") {
      const { commit, signature } = message.Commit;
      if (commit.attempt !== this.#attempt || this.#commits.has(commit.encoder)) return;
      if (this.#shard?.seatsOf.has(commit.encoder) !== true) return;
      if (!signedBy(commit.encoder, jobSigningBytes(chainId, "commit", commit), signature)) return;
      this.#commits.set(commit.encoder, message.Commit);
    } else if (message.$kind === "OptOut") {
      const { optOut, signature } = message.OptOut;
      if (optOut.attempt !== this.#attempt) return;
      if (signedBy(optOut.encoder, jobSigningBytes(chainId, "optOut", optOut), signature)) {
        this.#optedOut.add(optOut.encoder);
      }
    } else if (message.$kind === "Reveal") {
      const { reveal, vectors } = message.Reveal;
      const { encoder } = reveal.reveal;
      if (this.#reveals.has(encoder) || this.#fetching.has(encoder)) return;
      if (!signedBy(encoder, jobSigningBytes(chainId, "reveal", reveal.reveal), reveal.signature)) return;
      this.#fetching.add(encoder);
      void this.#fetchVectors(reveal, vectors, stop).finally(() => this.#fetching.delete(encoder));
    }
  }

  /** Keeps a reveal with its vectors if they are what the encoder committed to. */
  async #fetchVectors(signed: SignedReveal, vectors: Digest, stop: AbortSignal): Promise<void> {
    const { chainId } = this.#o.genesis;
    const { reveal } = signed;
    const commit = this.facts.selection?.commits.find((c) => c.commit.encoder === reveal.encoder)?.commit;
    const expected = commitHash(chainId, reveal.encoder, reveal.job, reveal.embeddingDigest);
    if (commit !== undefined && commit.commitHash !== expected) return;
    let blob = await this.#o.client.getBlob(vectors);
    while (blob === undefined && !stop.aborted) {
      await this.#pause(FETCH_AGAIN_MS, stop);
      blob = await this.#o.client.getBlob(vectors);
    }
    if (blob === undefined || embeddingDigest(chainId, blob) !== reveal.embeddingDigest) return;
    this.#reveals.set(reveal.encoder, { reveal: signed, blob });
    this.#changed();
  }

  /** A stage in the job's trace. */
  #stage<T>(name: string, run: () => Promise<T>): Promise<T> {
    const { paid } = this.facts;
    const attributes = paid === undefined ? {} : { "soma.job": paid.job };
    return this.#o.telemetry.withSpan(name, { attributes }, run);
  }

  #seats(): number {
    let seats = 0;
    for (const encoder of this.#commits.keys()) seats += this.#shard?.seatsOf.get(encoder) ?? 0;
    return seats;
  }

  async #prepare(kind: TransactionKindInput): Promise<{ digest: string; bytes: string }> {
    const { client, account, genesis } = this.#o;
    const { digest, bytes } = await prepareTransaction({ client, account, chainId: genesis.chainId, kind });
    return { digest, bytes: toHex(bytes) };
  }

  /**
   * Sends what the journal holds. Another transaction of the account may have used its sequence number: then the
   * same content is signed anew, but never a payment, of which there must not be two.
   */
  async #send(name: "payment" | "selection" | "bundle"): Promise<void> {
    const { client, journal } = this.#o;
    for (let attempt = 1; ; attempt++) {
      const submission = journal.state[name]!;
      const bytes = fromHex(submission.bytes);
      try {
        await sendAndWait(client, { digest: submission.digest, bytes });
        return;
      } catch (error) {
        if (!isSequenceTaken(error) || name === "payment" || attempt === SIGN_AGAIN) throw error;
        const signed = decodeSignedTransaction(bytes);
        if (!signed.ok) throw new SomaError("JOURNAL_UNREADABLE", `${name}: ${signed.message}`);
        Object.assign(submission, await this.#prepare(signed.value.transaction.kind));
        journal.save();
      }
    }
  }

  /** Waits until `look` gives something truthy or null; with `forMs`, at most so long. */
  async #until<T>(look: () => T | undefined | false, forMs?: number): Promise<T> {
    const deadline = forMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + forMs;
    for (;;) {
      const found = look();
      if ((found !== undefined && found !== false) || performance.now() >= deadline) return found as T;
      this.#o.signal.throwIfAborted();
      if (this.#stop.signal.aborted) throw new SomaError("JOB_STOPPED", "stopped");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(100, Math.max(1, deadline - performance.now())));
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #pause(ms: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (stop.aborted) return resolve();
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        stop.removeEventListener("abort", done);
        resolve();
      }
      stop.addEventListener("abort", done);
    });
  }

  #say(stage: JobStage, text: string, detail: JobProgress["detail"]): void {
    this.#o.onProgress({ stage, text, detail });
  }
}
