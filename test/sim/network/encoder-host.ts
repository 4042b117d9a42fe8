import type { Rng } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import {
  checkItems,
  type EncoderContext,
  type EncoderEffect,
  type EncoderInput,
  EncoderJobCodec,
  type EncoderState,
  emptyState,
  step,
} from "@soma/encoder/core";
import {
  decodeJobMessage,
  embeddingDigest,
  encodeJobMessage,
  type Hex32,
  JobMessageCodec,
  type JobMessageInput,
  type TransactionKindInput,
  type VerifiedFacts,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { MEAN_NORM_SQUARED } from "../game/vectors.ts";
import type { Actor } from "./actors.ts";
import { BlobFetcher } from "./blob-fetcher.ts";
import { BlobShelf } from "./blob-shelf.ts";
import { Follower } from "./follower.ts";
import type { NetworkMessage } from "./messages.ts";
import { aggregate, networkVerifier } from "./network-crypto.ts";
import { score } from "./scoring.ts";
import { infer, type SyntheticRequest } from "./synthetic-inference.ts";
import { TransactionSender } from "./transaction-sender.ts";
import type { NetworkWorld } from "./world.ts";

type Effect<K extends EncoderEffect["kind"]> = Extract<EncoderEffect, { kind: K }>;

export interface EncoderHostOptions {
  readonly actor: Actor;
  readonly rng: Rng;
  /** Error of its vectors relative to their norm. */
  readonly noise: number;
}

/**
 * One encoder operator: the real encoder and scorer cores with a light client, workers that take a while, and a
 * database. A process lives from `start` to `crash`; jobs, vectors and the light client outlive it.
 */
export class EncoderHost {
  readonly id: string;
  protected readonly world: NetworkWorld;
  protected readonly options: EncoderHostOptions;
  protected readonly shelf = new BlobShelf();
  readonly #context: EncoderContext;
  readonly #follower: Follower;
  readonly #sender: TransactionSender;
  readonly #fetcher: BlobFetcher;
  readonly #vectors = new Map<string, Uint8Array>();
  readonly #finals = new Map<string, Uint8Array>();
  #state: EncoderState = emptyState();
  #isUp = false;
  #life = 0;
  #effectsUntilCrash = Number.POSITIVE_INFINITY;

  constructor(world: NetworkWorld, options: EncoderHostOptions) {
    this.world = world;
    this.options = options;
    const { actor, rng } = options;
    this.id = actor.address;
    this.#context = {
      chainId: SIM_CHAIN,
      encoder: this.id,
      parameters: world.parameters,
      meanNormSquared: MEAN_NORM_SQUARED,
      modalities: [0],
      verifier: networkVerifier,
      signer: {
        message: (bytes) => actor.signMessage(bytes),
        evaluation: (bytes) => actor.signBls(bytes),
        aggregate,
      },
    };
    this.#follower = new Follower(world, this.id, rng.fork(1), (facts) => this.#ledger(facts));
    this.#sender = new TransactionSender(world, actor, rng.fork(2), this.id);
    this.#fetcher = new BlobFetcher(world, this.id, rng.fork(3));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  start(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#life += 1;
    this.#effectsUntilCrash = Number.POSITIVE_INFINITY;
    this.world.links.attach(this.id, (_, message) => this.#take(message));
    const { light } = this.#follower;
    for (let epoch = light.epoch.epoch; epoch >= 0n; epoch--) {
      const info = light.epochInfo(epoch);
      if (info === undefined) break;
      this.give({ kind: "epoch", info });
    }
    this.give({ kind: "resumed" });
    this.#follower.start();
  }

  crash(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#life += 1;
    this.world.links.detach(this.id);
    this.#sender.restart();
    this.#fetcher.restart();
    this.#follower.crash();
    const jobs = [...this.#state.jobs.values()].map((job) => {
      const isForgotten = this.world.deviation.forgetsCommits === true && job.own !== null;
      const kept = isForgotten ? { ...job, own: null, stage: "embedding" as const } : job;
      const bytes = encode(EncoderJobCodec, kept);
      const read = decodeExact(EncoderJobCodec, bytes, bytes.length);
      if (!read.ok) throw new Error(read.code);
      return read.value;
    });
    this.#state = emptyState(jobs);
    this.world.coverage.encoderCrashes += 1;
  }

  /** Dies after so many more effects, in the middle of a step. */
  crashAfter(effects: number): void {
    this.#effectsUntilCrash = effects;
  }

  protected give(input: EncoderInput, bulk: Uint8Array | null = null): void {
    if (!this.#isUp) return;
    const { state, effects } = step(this.#context, this.#state, input);
    this.#state = state;
    const life = this.#life;
    for (const effect of effects) {
      if (effect.kind === "keep-vectors" && bulk !== null) this.#vectors.set(effect.job, bulk);
      if (effect.kind === "keep-finals" && bulk !== null) this.#finals.set(effect.job, bulk);
    }
    for (const effect of effects) {
      if (this.#life !== life) return;
      if (this.#effectsUntilCrash <= 0) {
        this.crash();
        this.world.scheduler.after(250, () => this.start());
        return;
      }
      this.#effectsUntilCrash -= 1;
      this.carryOut(effect);
    }
  }

  #ledger(facts: VerifiedFacts): void {
    this.give({ kind: "ledger", facts });
  }

  #take(message: NetworkMessage): void {
    switch (message.type) {
      case "updates":
        this.#follower.take(message.updates);
        return;
      case "account":
        this.#sender.answered(message.sequence, message.epoch);
        return;
      case "blob":
        this.#fetcher.answered(message.hash, message.bytes);
        return;
      case "peer": {
        const relayed = decodeJobMessage(message.body);
        if (!relayed.ok || message.to !== this.id) return;
        this.receive({ kind: "message", sender: message.sender, relayed: relayed.value, at: this.#nowMs() });
        return;
      }
    }
  }

  protected receive(input: EncoderInput & { kind: "message" }): void {
    this.give(input);
  }

  #nowMs(): number {
    return Math.floor(this.world.scheduler.nowMs);
  }

  protected carryOut(effect: EncoderEffect): void {
    switch (effect.kind) {
      case "send":
        this.#send(effect);
        return;
      case "fetch-items":
        this.#fetchItems(effect);
        return;
      case "request-inference":
        this.#infer(effect);
        return;
      case "publish-vectors": {
        const bytes = this.#vectors.get(effect.job);
        if (bytes === undefined) return;
        for (const to of this.#some(3)) this.world.links.send(this.id, to, { type: "put-blob", bytes });
        return;
      }
      case "request-evaluation":
        this.#evaluate(effect);
        return;
      case "submit":
        this.submit(effect.transaction);
        return;
      case "submit-final-proof": {
        const finals = this.#finals.get(effect.job);
        if (finals === undefined) throw new Error("the final vectors of an own evaluation are gone");
        const { result, signers, aggregateSignature } = effect;
        this.submit({ FinalProof: { result, finals, signers, aggregateSignature } });
        return;
      }
      case "alarm":
        this.world.auditor.alarm(this.id, effect.job, effect.code);
        return;
      case "forget":
        this.#vectors.delete(effect.job);
        this.#finals.delete(effect.job);
        return;
      // Saves time alone, and here bytes cost none.
      case "fetch-vectors":
      case "keep-vectors":
      case "keep-finals":
      case "note":
        return;
    }
  }

  protected submit(kind: TransactionKindInput): void {
    this.#sender.send(kind);
  }

  #send({ job, mailboxes, peers, message }: Effect<"send">): void {
    this.world.auditor.said(this.id, JobMessageCodec.parse(JobMessageCodec.serialize(message).toBytes()));
    if (this.world.deviation.revealsAtOnce === true && "Commit" in message)
      this.#revealAtOnce(job, mailboxes);
    for (const mailbox of mailboxes) this.envelope(mailbox, mailbox, job, mailbox, message);
    for (const peer of peers) this.envelope(this.#some(1)[0]!, peer, job, mailboxes.at(-1) ?? peer, message);
  }

  /** A mutant's: shows the reveal that was signed with the commit. */
  #revealAtOnce(job: Hex32, mailboxes: readonly Hex32[]): void {
    const own = this.#state.jobs.get(job)?.own;
    if (own === null || own === undefined) return;
    const message = { Reveal: { reveal: own.reveal, vectors: own.vectors } };
    this.#send({ kind: "send", job, mailboxes, peers: [], message });
  }

  /** Sends by way of a validator, which can withhold and not forge. */
  protected envelope(relay: string, to: Hex32, job: Hex32, mailbox: Hex32, message: JobMessageInput): void {
    const body = encodeJobMessage({ job, mailbox, message });
    this.world.links.send(this.id, relay, { type: "peer", sender: this.id, to, body });
  }

  #some(count: number): string[] {
    return this.options.rng.shuffle(this.world.ids).slice(0, count);
  }

  #fetchItems(effect: Effect<"fetch-items">): void {
    const { job, attempt, data } = effect;
    this.#fetch(data, (bytes) => {
      const outcome = bytes === null ? "Unavailable" : checkItems(bytes, effect);
      if (bytes !== null && outcome === "ok") this.shelf.put(bytes);
      this.give({ kind: "items-fetched", job, attempt, data, outcome });
    });
  }

  #fetch(hash: Hex32, done: (bytes: Uint8Array | null) => void): void {
    const known = this.shelf.get(hash);
    if (known === undefined) this.#fetcher.fetch(hash, done);
    else done(known);
  }

  #infer({ job, attempt, data, lastBlock, beacon }: Effect<"request-inference">): void {
    const items = this.shelf.get(data);
    this.#later(this.options.rng.between(20, 150), () => {
      const { masks } = this.world.parameters;
      const made =
        items &&
        this.embed({
          chainId: SIM_CHAIN,
          job,
          encoder: this.id,
          items,
          lastBlock,
          beacon,
          masks,
          kind: "honest",
          noise: this.options.noise,
          rng: this.options.rng.fork(4),
        });
      if (!made) {
        this.give({ kind: "inference-failed", job, attempt, isDataAtFault: items !== undefined });
        return;
      }
      const vectors = this.shelf.put(made.blob);
      const digest = embeddingDigest(SIM_CHAIN, made.blob);
      const { masksOfItem } = made;
      const input = {
        kind: "embedded",
        job,
        attempt,
        vectors,
        embeddingDigest: digest,
        masksOfItem,
      } as const;
      this.give({ ...input, at: this.#nowMs() }, made.blob);
    });
  }

  protected embed(request: SyntheticRequest): ReturnType<typeof infer> {
    return infer(request);
  }

  #evaluate(effect: Effect<"request-evaluation">): void {
    const { job, bundle } = effect;
    const fetch = (hash: Hex32, done: (bytes: Uint8Array | null) => void) => this.#fetch(hash, done);
    score(effect, this.world.parameters.embeddingDimension, fetch, (scored) => {
      if ("missing" in scored) {
        this.give({ kind: "evaluation-failed", job, bundle, missing: scored.missing });
        return;
      }
      const { result, finals } = scored;
      this.#later(this.options.rng.between(5, 60), () =>
        this.give({ kind: "evaluated", job, result }, finals),
      );
    });
  }

  #later(ms: number, run: () => void): void {
    const life = this.#life;
    this.world.scheduler.after(ms, () => {
      if (this.#life === life) run();
    });
  }
}
