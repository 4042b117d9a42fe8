import { bytesEqual, type Rng, toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { sha256Native } from "@soma/crypto/native";
import {
  dataCommitment,
  decodeJobMessage,
  encodeItems,
  encodeJobMessage,
  type Hex32,
  jobSigningBytes,
  type RelayedJobMessage,
  type SignedCommit,
  type SignedReceipt,
  type SignedReveal,
  type VerifiedFacts,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { type SimKey, simKey, simSign } from "../consensus/sim-crypto.ts";
import type { Actor } from "./actors.ts";
import { Follower } from "./follower.ts";
import type { NetworkMessage } from "./messages.ts";
import { OwnJobs, type SeenJob } from "./own-jobs.ts";
import { EMPTY_ITEM } from "./synthetic-inference.ts";
import { TransactionSender } from "./transaction-sender.ts";
import type { NetworkWorld } from "./world.ts";

/** What a submitter does in one job. */
export const SUBMITTER_CONDUCTS = [
  "honest",
  "gone-after-paying",
  "gone-after-offers",
  "gone-after-selection",
  "selects-twice",
  "hasty",
  "wrong-size",
  "not-text",
  "withholds-data",
  "empty-items",
] as const;
export type SubmitterConduct = (typeof SUBMITTER_CONDUCTS)[number];

const TICK_MS = 120;
const OFFER_AGAIN_MS = 600;
/** How long commits beyond the quorum, and reveals beyond two thirds, are waited for. */
const COMMIT_GRACE_MS = 500;
const MAX_PRICE = 1n << 40n;

interface OwnJob {
  readonly conduct: SubmitterConduct;
  readonly session: SimKey;
  readonly blob: Uint8Array;
  readonly dataHash: Hex32;
  readonly items: number;
  id: Hex32 | null;
  attempt: number;
  offeredAtMs: number;
  offers: number;
  quorumAtMs: number | null;
  readonly receipts: Map<Hex32, SignedReceipt>;
  readonly commits: Map<Hex32, SignedCommit>;
  readonly reveals: Map<Hex32, SignedReveal>;
  isHastyDone: boolean;
  hasSelected: boolean;
  hasBundledHastily: boolean;
  revealsAtMs: number | null;
  hasBundled: boolean;
}

/** A submitter as a pure agent: pays, offers, selects and bundles by proven facts, well or badly. */
export class Submitter {
  readonly id: string;
  readonly #world: NetworkWorld;
  readonly #rng: Rng;
  readonly #follower: Follower;
  readonly #sender: TransactionSender;
  readonly #seen: OwnJobs;
  readonly #jobs: OwnJob[] = [];

  constructor(world: NetworkWorld, actor: Actor, rng: Rng) {
    this.#world = world;
    this.#rng = rng;
    this.id = actor.address;
    this.#follower = new Follower(world, this.id, rng.fork(1), (facts) => this.#take(facts));
    this.#sender = new TransactionSender(world, actor, rng.fork(2), this.id);
    this.#seen = new OwnJobs(this.id, world.parameters);
  }

  start(): void {
    this.#world.links.attach(this.id, (_, message) => this.#receive(message));
    this.#follower.start();
    this.#tick();
  }

  /** Stakes a little in somebody. */
  delegate(role: "Validator" | "Encoder", operator: string, amount: bigint): void {
    this.#sender.send({ Delegate: { role: { [role]: true } as { Validator: true }, operator, amount } });
  }

  undelegate(role: "Validator" | "Encoder", operator: string, amount: bigint): void {
    this.#sender.send({ Undelegate: { role: { [role]: true } as { Validator: true }, operator, amount } });
  }

  /** GAME-1. */
  pay(conduct: SubmitterConduct): void {
    const rng = this.#rng;
    const items = Array.from({ length: rng.between(1, 2) }, () => {
      const item = new TextEncoder().encode(`text ${rng.u32()}`);
      if (conduct === "empty-items") item[0] = EMPTY_ITEM;
      if (conduct === "not-text") item[0] = 0xff;
      return item;
    });
    const session = simKey(`session ${this.id} ${this.#jobs.length}`);
    const dataHash = toHex(merkleRoot(items));
    const blob = encodeItems(items);
    const size = items.reduce((sum, item) => sum + item.length, 0);
    const job: OwnJob = {
      conduct,
      session,
      blob,
      dataHash,
      items: items.length,
      id: null,
      attempt: -1,
      offeredAtMs: 0,
      offers: 0,
      quorumAtMs: null,
      receipts: new Map(),
      commits: new Map(),
      reveals: new Map(),
      isHastyDone: false,
      hasSelected: false,
      hasBundledHastily: false,
      revealsAtMs: null,
      hasBundled: false,
    };
    this.#jobs.push(job);
    this.#sender.send({
      GenerateEmbeddings: {
        modality: 0,
        dataCommitment: dataCommitment(SIM_CHAIN, dataHash, this.id),
        sizeBytes: BigInt(size + (conduct === "wrong-size" ? 1 : 0)),
        items: items.length,
        sessionKey: session.key,
        maxPricePerByte: MAX_PRICE,
        jobTip: 700n,
      },
    });
  }

  #take(facts: VerifiedFacts): void {
    const drawn = this.#seen.take(facts, (epoch) => this.#follower.light.epochInfo(epoch));
    for (const job of drawn) {
      const own = this.#jobs.find(({ session }) => bytesEqual(session.key, job.sessionKey));
      if (own !== undefined) this.#drawn(own, job);
    }
    for (const own of this.#jobs) this.#advance(own);
  }

  #drawn(own: OwnJob, job: SeenJob): void {
    own.id = job.id;
    own.attempt = job.shard!.attempt;
    own.offeredAtMs = 0;
    own.offers = 0;
    own.quorumAtMs = null;
    own.hasSelected = false;
    own.receipts.clear();
    own.commits.clear();
    if (own.conduct === "withholds-data") return;
    for (const to of this.#some(3))
      this.#world.links.send(this.id, to, { type: "put-blob", bytes: own.blob });
  }

  #tick(): void {
    for (const own of this.#jobs) this.#advance(own);
    this.#world.scheduler.after(TICK_MS, () => this.#tick());
  }

  #receive(message: NetworkMessage): void {
    switch (message.type) {
      case "updates":
        this.#follower.take(message.updates);
        return;
      case "account":
        this.#sender.answered(message.sequence, message.epoch);
        return;
      case "peer": {
        const relayed = decodeJobMessage(message.body);
        if (relayed.ok) this.#answer(message.sender, relayed.value);
        return;
      }
    }
  }

  /** From a seat holder; what it signed is the ledger's to check, the attempt is not. */
  #answer(sender: Hex32, { job, message }: RelayedJobMessage): void {
    const own = this.#jobs.find(({ id }) => id === job);
    if (own === undefined) return;
    if (message.$kind === "Receipt" && message.Receipt.receipt.attempt === own.attempt) {
      own.receipts.set(sender, message.Receipt);
    }
    if (message.$kind === "Commit" && message.Commit.commit.attempt === own.attempt) {
      if (!own.commits.has(sender)) own.commits.set(sender, message.Commit);
    }
    if (message.$kind === "Reveal" && message.Reveal.reveal.reveal.attempt === own.attempt) {
      own.reveals.set(sender, message.Reveal.reveal);
    }
    this.#advance(own);
  }

  #advance(own: OwnJob): void {
    const job = own.id === null ? undefined : this.#seen.job(own.id);
    if (job === undefined || own.conduct === "gone-after-paying") return;
    if (job.phase === "drawn") this.#offerAndSelect(own, job);
    if (job.phase === "selected") this.#bundle(own, job);
  }

  #offerAndSelect(own: OwnJob, job: SeenJob): void {
    const { nowMs } = this.#world.scheduler;
    const shard = job.shard!;
    const isGone = own.conduct === "gone-after-offers" && own.offers >= 3;
    if (nowMs >= own.offeredAtMs + OFFER_AGAIN_MS && !isGone) {
      own.offeredAtMs = nowMs;
      own.offers += 1;
      this.#offer(own, job);
    }
    if (own.conduct === "gone-after-offers" || own.hasSelected) return;
    const seats = [...own.commits.keys()].reduce((sum, id) => sum + (shard.seatsOf.get(id) ?? 0), 0);
    if (own.conduct === "hasty" && seats > 0 && !own.isHastyDone) {
      own.isHastyDone = true;
      this.#world.coverage.hastySelections += 1;
      this.#select(own, [...own.commits.values()].slice(0, 1));
    }
    if (seats < shard.quorum) return;
    own.quorumAtMs ??= nowMs;
    const isComplete = own.commits.size === shard.seatsOf.size;
    if (!isComplete && nowMs < own.quorumAtMs + COMMIT_GRACE_MS) return;
    own.hasSelected = true;
    const commits = [...own.commits.values()];
    this.#select(own, commits);
    if (own.conduct === "selects-twice") this.#select(own, commits.toReversed());
  }

  #offer(own: OwnJob, job: SeenJob): void {
    const offer = { job: job.id, attempt: own.attempt, dataHash: own.dataHash };
    const sessionSignature = simSign(own.session, jobSigningBytes(SIM_CHAIN, "offer", offer));
    const data = toHex(sha256Native(own.blob));
    const members = job.epoch.committee.map(({ validator }) => validator);
    const mailbox = this.#rng.pick(members);
    for (const encoder of job.shard!.seatsOf.keys()) {
      if (own.commits.has(encoder)) continue;
      const body = encodeJobMessage({
        job: job.id,
        mailbox,
        message: { Offer: { offer, data, sessionSignature } },
      });
      this.#world.links.send(this.id, mailbox, { type: "peer", sender: this.id, to: encoder, body });
    }
  }

  /** GAME-4. */
  #select(own: OwnJob, commits: SignedCommit[]): void {
    const selection = { job: own.id!, attempt: own.attempt, dataHash: own.dataHash, commits };
    const sessionSignature = simSign(own.session, jobSigningBytes(SIM_CHAIN, "selection", selection));
    this.#sender.send({ SelectCommits: { ...selection, sessionSignature } });
  }

  #bundle(own: OwnJob, job: SeenJob): void {
    const { chosen } = job;
    if (!own.hasBundled) this.#bringReceipts(own, chosen);
    if (own.conduct === "gone-after-selection" || own.hasBundled) return;
    const { nowMs } = this.#world.scheduler;
    const { seatsOf } = job.shard!;
    const seats = (ids: readonly string[]) => ids.reduce((sum, id) => sum + (seatsOf.get(id) ?? 0), 0);
    const shown = chosen.filter((id) => own.reveals.has(id));
    if (own.conduct === "hasty" && shown.length > 0 && !own.hasBundledHastily) {
      own.hasBundledHastily = true;
      this.#sendBundle(own, shown.slice(0, 1));
    }
    if (3 * seats(shown) < 2 * seats(chosen)) return;
    own.revealsAtMs ??= nowMs;
    if (shown.length < chosen.length && nowMs < own.revealsAtMs + 2 * COMMIT_GRACE_MS) return;
    own.hasBundled = true;
    this.#sendBundle(own, shown);
  }

  #sendBundle(own: OwnJob, shown: readonly string[]): void {
    const bundle = { job: own.id!, reveals: shown.map((id) => own.reveals.get(id)!) };
    const sessionSignature = simSign(own.session, jobSigningBytes(SIM_CHAIN, "bundle", bundle));
    this.#sender.send({ PostBundle: { ...bundle, sessionSignature } });
  }

  /** GAME-4: evidence against those who signed for the offer and never committed. Each twice: once must be enough. */
  #bringReceipts(own: OwnJob, chosen: readonly string[]): void {
    for (const [encoder, receipt] of own.receipts) {
      own.receipts.delete(encoder);
      if (chosen.includes(encoder)) continue;
      this.#sender.send({ PostReceipt: { receipt } });
      this.#sender.send({ PostReceipt: { receipt } });
    }
  }

  #some(count: number): string[] {
    return this.#rng.shuffle(this.#world.ids).slice(0, count);
  }
}
