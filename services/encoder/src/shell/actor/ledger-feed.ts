import { GatewayClient, LedgerFollower } from "@soma/client";
import type { EpochInfo, Genesis, VerifiedFacts } from "@soma/protocol";
import { sleep } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";
import type { EncoderActor } from "./encoder-actor.ts";

export interface LedgerFeedOptions {
  /** Base URLs; the next is asked when one fails or lies. */
  readonly gateways: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly genesis: Genesis;
  /** The light client of the last process. */
  readonly saved: Uint8Array | undefined;
  readonly actor: EncoderActor;
  /** Told of the newest epoch, at the start and whenever one is proven. */
  readonly proven: (info: EpochInfo) => Promise<void>;
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
}

/** A gateway holds a question for the next checkpoint at most this long, in milliseconds. */
const WAIT_MS = 5_000;
const PAUSE_MS = 500;
/** Between two looks while this encoder has nothing to do, in milliseconds. */
const REST_MS = 1_000;
/**
 * Checkpoints that are taken at one go while no job is open. A restart may read all of them again, so that a job must not
 * come to its second attempt within them: that is `selectTimeout` commits away.
 */
const RUN = 8;
/**
 * Checkpoints of a young ledger that an encoder reads when it first runs: others of its age may have paid for a job that it
 * has seats in already. Of an older one it takes the present.
 */
const YOUNG = 256n;
/** The light client is stored with every change of a job, and at least every so many checkpoints. */
const SAVE_EVERY = 32;

/**
 * Follows the ledger over several validators' gateways, and gives every proven fact to the actor in order
 * (LEDGER-6). A gateway that lies or hangs is left for the next; none of them is believed.
 */
export class LedgerFeed {
  readonly #options: LedgerFeedOptions;
  readonly #loop: Promise<void>;
  #follower: LedgerFollower;
  /** The light client as of the last checkpoint whose facts were all given. */
  #taken: (() => Uint8Array) | undefined;
  #first = 0;
  #unsaved = 0;
  /** The last answer was full: more waits. */
  #isBehind = false;

  private constructor(options: LedgerFeedOptions) {
    this.#options = options;
    const { saved } = options;
    this.#taken = saved && (() => saved);
    this.#follower = this.#open();
    this.#loop = this.#run(options.saved !== undefined);
  }

  static open(options: LedgerFeedOptions): LedgerFeed {
    return new LedgerFeed(options);
  }

  /** Ends after the checkpoint in hand. */
  async close(): Promise<void> {
    await this.#loop;
  }

  #open(): LedgerFollower {
    const { gateways, fetch, genesis, signal } = this.#options;
    const order = [...gateways.slice(this.#first), ...gateways.slice(0, this.#first)];
    const client = new GatewayClient({ gateways: order, retries: 0, signal, fetch });
    const saved = this.#taken === undefined ? {} : { saved: this.#taken() };
    return LedgerFollower.open({ client, genesis, waitMs: WAIT_MS, ...saved });
  }

  async #run(isKnown: boolean): Promise<void> {
    const { signal, telemetry } = this.#options;
    await this.#giveEpochs();
    await this.#options.actor.give({ kind: "resumed" });
    let isPresent: boolean | undefined = isKnown || undefined;
    while (!signal.aborted) {
      try {
        isPresent ??= await this.#isYoung();
        if (!isPresent) await this.#toPresent();
        // A job that is offered wakes the encoder; of another it learns so much later. What came meanwhile is proven at once.
        if (!this.#isBehind) await this.#options.actor.rest(REST_MS, signal);
        isPresent = await this.#next();
      } catch (error) {
        if (signal.aborted) return;
        telemetry.log.warn({ error: String(error), gateway: this.#gateway }, "the next gateway is asked");
        this.#first = (this.#first + 1) % this.#options.gateways.length;
        this.#follower = this.#open();
        await sleep(PAUSE_MS, signal);
      }
    }
  }

  /** Asks the gateway that is followed now, and no other. */
  #client(): GatewayClient {
    const { signal, fetch } = this.#options;
    return new GatewayClient({ gateways: [this.#gateway!], retries: 0, signal, fetch });
  }

  get #gateway(): string | undefined {
    return this.#options.gateways[this.#first];
  }

  /** Takes the next checkpoint's facts, or those of several; false if there is none and the gateway no longer has it. */
  async #next(): Promise<boolean> {
    const { signal } = this.#options;
    const most = this.#options.actor.state.jobs.size === 0 ? RUN : 1;
    const proven = await this.#follower.nextRun(most);
    this.#isBehind = new Set(proven.map(({ checkpoint }) => checkpoint.sequence)).size === RUN;
    if (proven.length > 0) this.#taken = await this.#give(proven);
    await this.#options.proven(this.#follower.light.epoch);
    if (proven.length > 0 || signal.aborted) return true;
    const newest = await this.#client().checkpoint();
    return newest === undefined || newest.checkpoint.sequence <= this.#follower.nextSequence;
  }

  async #give(parts: readonly VerifiedFacts[]): Promise<() => Uint8Array> {
    const { actor } = this.#options;
    const light = this.#follower.light.snapshot();
    for (const [part, facts] of parts.entries()) {
      // Saved with the last part alone: a restart in between reads all of them again, which changes nothing.
      const isLast = part === parts.length - 1;
      const isLightDue = ++this.#unsaved >= SAVE_EVERY && isLast;
      if (isLightDue) this.#unsaved = 0;
      await actor.give({ kind: "ledger", facts }, isLast ? { light, isLightDue } : {});
    }
    return light;
  }

  /** Whether the ledger, which this encoder has seen nothing of, is so young that it reads all of it. */
  async #isYoung(): Promise<boolean> {
    const newest = await this.#client().checkpoint();
    const { sequence } = newest?.checkpoint ?? { sequence: 0n };
    if (sequence > YOUNG) return false;
    this.#isBehind = sequence > 0n;
    this.#options.telemetry.log.info({ to: Number(sequence) }, "reads the ledger from its beginning");
    return true;
  }

  /** Leaves out what no gateway has any more, or what was long before this encoder first ran. */
  async #toPresent(): Promise<void> {
    const from = this.#follower.nextSequence;
    await this.#follower.skipToPresent();
    this.#taken = this.#follower.light.snapshot();
    await this.#giveEpochs();
    const info = this.#follower.light.epoch;
    await this.#options.actor.give({ kind: "epoch", info }, { light: this.#taken, isLightDue: true });
    this.#options.telemetry.log.info(
      { from: Number(from), to: Number(this.#follower.nextSequence) },
      "went to the ledger's present",
    );
  }

  async #giveEpochs(): Promise<void> {
    const { light } = this.#follower;
    for (let epoch = light.epoch.epoch; epoch >= 0n; epoch--) {
      const info = light.epochInfo(epoch);
      if (info === undefined) break;
      await this.#options.actor.give({ kind: "epoch", info });
    }
    await this.#options.proven(light.epoch);
  }
}
