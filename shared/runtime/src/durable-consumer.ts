import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { SomaError } from "@soma/base";
import type { StreamDefinition } from "@soma/contracts";
import type { Telemetry } from "@soma/telemetry";
import type { ConsumeOptions } from "./binding.ts";
import { sleep } from "./sleep.ts";

export interface DurableConsumerDeps {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly telemetry: Telemetry;
  /** Makes the stream exist. */
  readonly ensure: () => Promise<void>;
  /** Takes one message and settles it; must not reject. What waits for its turn when `stopping` aborts is given back. */
  readonly take: (message: JsMsg, stopping: AbortSignal) => Promise<void>;
}

export interface DurableConsumerOptions extends ConsumeOptions {
  readonly stream: StreamDefinition;
  readonly streamName: string;
  /** Undefined takes the whole stream (an old server knows only one filter a consumer). */
  readonly filter: string | undefined;
}

/**
 * Pause before a message that was given back comes again. Given back at once it would go into our own last pull,
 * which an old server still holds, and come again only after the whole ack wait.
 */
export const GIVE_BACK_MS = 250;

// The client asks for this many at most, so that a buffer of large messages cannot trip the server's 64 MB limit.
const PULL_LIMIT_MESSAGES = 100;
const PULL_LIMIT_BYTES = 4 * 1024 * 1024;
const PULL_EXPIRES_MS = 10_000;

/** A durable pull consumer: one loop, rebuilt by its supervisor whenever the server stops answering it. */
export class DurableConsumer {
  readonly #options: DurableConsumerOptions;
  readonly #deps: DurableConsumerDeps;
  readonly #maxInFlight: number;
  readonly #inFlight = new Map<number, JsMsg>();
  readonly #slots: (() => void)[] = [];
  readonly #stop = new AbortController();
  readonly #established = Promise.withResolvers<void>();
  #messages: ConsumerMessages | undefined;
  #loop: Promise<void> = Promise.resolve();
  #lastProgress = performance.now();

  private constructor(options: DurableConsumerOptions, deps: DurableConsumerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#maxInFlight = options.maxInFlight ?? 64;
  }

  /** Resolves when the server has the consumer and the first pull is out; waits while there is no server. */
  static async open(options: DurableConsumerOptions, deps: DurableConsumerDeps): Promise<DurableConsumer> {
    const consumer = new DurableConsumer(options, deps);
    consumer.#loop = consumer.#supervise();
    await consumer.#established.promise;
    return consumer;
  }

  /** Milliseconds in which handlers were at work and none ended; 0 when there is nothing to do. */
  get stalledMs(): number {
    return this.#inFlight.size === 0 ? 0 : performance.now() - this.#lastProgress;
  }

  /** Stops pulling, gives back what was not begun, and waits for what was. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#messages?.stop();
    await this.#loop;
  }

  async #supervise(): Promise<void> {
    const heartbeat = setInterval(() => this.#extend(), (this.#options.ackWaitMs ?? 30_000) / 3);
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        await this.#deps.ensure();
        await this.#ensureConsumer();
        failures = 0;
        await this.#pull();
      } catch (error) {
        if (error instanceof SomaError) {
          this.#established.reject(error);
          this.#deps.telemetry.log.error(
            { error: error.code },
            `consumer ${this.#options.durable}: ${error.message}`,
          );
        }
        failures++;
        this.#deps.telemetry.log.warn(
          { error: String(error) },
          `consumer ${this.#options.durable}: rebuilding`,
        );
        await sleep(Math.min(100 * 2 ** failures, 5000), this.#stop.signal);
      }
    }
    this.#established.resolve();
    clearInterval(heartbeat);
  }

  async #ensureConsumer(): Promise<void> {
    const { jsm } = this.#deps;
    const { streamName, durable, filter } = this.#options;
    const config: Partial<ConsumerConfig> = {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(this.#options.ackWaitMs ?? 30_000),
      max_ack_pending: this.#options.maxAckPending ?? 1000,
      // Dead letters are decided on delivery, where also those of a crashed worker are seen.
      max_deliver: -1,
      deliver_policy: this.#options.from === "new" ? DeliverPolicy.New : DeliverPolicy.All,
      ...(filter === undefined ? {} : { filter_subject: filter }),
    };
    const known = await this.#find();
    const info =
      known === undefined
        ? await jsm.consumers.add(streamName, config)
        : known.config.ack_wait === config.ack_wait && known.config.max_ack_pending === config.max_ack_pending
          ? known
          : await jsm.consumers.update(streamName, durable, {
              ack_wait: config.ack_wait!,
              max_ack_pending: config.max_ack_pending!,
            });
    if ((info.config.filter_subject ?? undefined) !== filter || info.config.ack_policy !== AckPolicy.Explicit)
      throw new SomaError("CONSUMER_MISMATCH", `${streamName} has another consumer named ${durable}`);
  }

  async #find(): Promise<ConsumerInfo | undefined> {
    try {
      return await this.#deps.jsm.consumers.info(this.#options.streamName, this.#options.durable);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)
        return undefined;
      throw error;
    }
  }

  async #pull(): Promise<void> {
    const consumer = await this.#deps.js.consumers.get(this.#options.streamName, this.#options.durable);
    const bySize = Math.max(1, Math.floor(PULL_LIMIT_BYTES / this.#options.stream.maxMessageBytes()));
    const messages = await consumer.consume({
      max_messages: Math.min(this.#maxInFlight, PULL_LIMIT_MESSAGES, bySize),
      expires: PULL_EXPIRES_MS,
    });
    this.#messages = messages;
    if (this.#stop.signal.aborted) messages.stop();
    const watching = this.#watch(messages);
    this.#established.resolve();
    for await (const message of messages) {
      if (this.#stop.signal.aborted) {
        message.nak(GIVE_BACK_MS);
        continue;
      }
      this.#begin(message);
      if (this.#inFlight.size >= this.#maxInFlight)
        await new Promise<void>((resolve) => this.#slots.push(resolve));
    }
    await watching;
    while (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#slots.push(resolve));
  }

  #begin(message: JsMsg): void {
    const { seq } = message;
    if (this.#inFlight.size === 0) this.#lastProgress = performance.now();
    this.#inFlight.set(seq, message);
    void this.#deps.take(message, this.#stop.signal).finally(() => {
      // A redelivery of the same message may have taken the entry over.
      if (this.#inFlight.get(seq) === message) this.#inFlight.delete(seq);
      this.#lastProgress = performance.now();
      this.#slots.shift()?.();
    });
  }

  /** Tells the server that handlers are still at work. */
  #extend(): void {
    for (const message of this.#inFlight.values()) message.working();
  }

  /** Ends the pull when the server has lost the consumer or does not answer, so that the supervisor rebuilds it. */
  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const status of messages.status()) {
      switch (status.type) {
        case "heartbeats_missed":
          if (status.count >= 2) messages.stop();
          break;
        case "consumer_not_found":
        case "consumer_deleted":
        case "stream_not_found":
          messages.stop();
          break;
        default:
          this.#deps.telemetry.log.debug({ status: status.type }, `consumer ${this.#options.durable}`);
      }
    }
  }
}
