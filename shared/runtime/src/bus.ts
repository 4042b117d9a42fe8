import { randomUUID } from "node:crypto";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { type Result, SomaError } from "@soma/base";
import {
  type CoreMessage,
  DeadLetterStream,
  type Message,
  type RequestMessage,
  registry,
  type StreamDefinition,
  type StreamMessage,
  type Tokens,
} from "@soma/contracts";
import { activeTraceparent, type Telemetry } from "@soma/telemetry";
import { type Binding, type ConsumeOptions, on, type StreamHandler } from "./binding.ts";
import { type BusMetrics, busMetrics } from "./bus-metrics.ts";
import { type ConnectionOptions, openConnection } from "./connection.ts";
import {
  openResponder,
  openSubscription,
  type Reader,
  type RespondOptions,
  type SubscribeOptions,
} from "./core-reader.ts";
import { DurableConsumer, GIVE_BACK_MS } from "./durable-consumer.ts";
import { Follower, type FollowFrom, type FollowHandler } from "./follow.ts";
import { buildHeaders, HEADER, type HeaderValues } from "./headers.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { type MessageContext, messageContext } from "./message-context.ts";
import { askOnce, isTimeout, type RequestOptions } from "./request.ts";
import { Settler } from "./settle.ts";
import { createStreamIfMissing, ensureStream, type StreamState, streamState } from "./streams.ts";

export interface BusOptions extends ConnectionOptions {
  /** Stands in every subject and stream name, so that two networks may share a server. */
  readonly network: string;
  /** Copies of each stream, where the server is a cluster; default: what the stream's definition says. */
  readonly replicas?: 1 | 3 | 5;
}

export interface PublishOptions {
  /** The broker's and the inbox's id; default the contract's `dedupeBy`, else a random one. */
  readonly messageId?: string;
  readonly headers?: HeaderValues;
}

/** The server's receipt. It acknowledges before it syncs to disk, so no safety rests on it. */
export interface StreamReceipt {
  readonly sequence: number;
  /** The stream already held a message of this id. */
  readonly duplicate: boolean;
}

/** A message made ready inside a transaction, to be sent after it: a row of the outbox. */
export interface StagedMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly messageId: string;
  readonly headers: HeaderValues;
  /** The stream's definition name; undefined for a core message. */
  readonly stream: string | undefined;
}

/**
 * A service's connection to NATS. It may lose, repeat, reorder and delay; everything it carries can be fetched or
 * rebuilt otherwise (DESIGN section 3).
 */
export class Bus {
  readonly network: string;
  readonly name: string;
  readonly telemetry: Telemetry;
  /** Settles when the connection is gone for good: undefined after `close`, an error otherwise. */
  readonly closed: Promise<Error | undefined>;
  readonly #connection: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #metrics: BusMetrics;
  readonly #replicas: number | undefined;
  readonly #readers = new Set<Reader>();
  readonly #consumers = new Set<DurableConsumer>();
  readonly #streams = new Map<string, Promise<void>>();
  readonly #staged = new Map<string, StreamDefinition>();
  #closing: Promise<void> | undefined;

  private constructor(options: BusOptions, connection: NatsConnection, jsm: JetStreamManager) {
    this.network = options.network;
    this.name = options.name;
    this.telemetry = options.telemetry;
    this.#connection = connection;
    this.#js = jetstream(connection, { timeout: 5000 });
    this.#jsm = jsm;
    this.#metrics = busMetrics(options.telemetry);
    this.#replicas = options.replicas;
    this.closed = connection.closed().then((error) => {
      if (this.#closing !== undefined) return undefined;
      return error instanceof Error ? error : new SomaError("BUS_CLOSED", "the connection was closed");
    });
  }

  /** Connects, and waits for a server that is not there yet. @throws SomaError BUS_SERVER_TOO_OLD */
  static async open(options: BusOptions): Promise<Bus> {
    const connection = await openConnection(options);
    // Not asked whether JetStream is there: an edge has none, and a server may still be starting it.
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: 5000 });
    return new Bus(options, connection, jsm);
  }

  get connected(): boolean {
    return !this.#connection.isClosed() && this.#connection.info !== undefined;
  }

  /** Sends a core message: at most once, and nobody says whether anyone read it. */
  publish<P, Name extends string>(
    message: CoreMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options?: Pick<PublishOptions, "headers">,
  ): Promise<undefined>;
  /** Puts a message into its stream. @throws when the server does not confirm it within five attempts. */
  publish<P, Name extends string>(
    message: StreamMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options?: PublishOptions,
  ): Promise<StreamReceipt>;
  async publish<P, Name extends string>(
    message: CoreMessage<P, Name> | StreamMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options: PublishOptions = {},
  ): Promise<StreamReceipt | undefined> {
    const subject = message.subjectFor(this.network, tokens);
    const bytes = message.encode(payload);
    const send = async () => {
      if (!("stream" in message)) {
        const headers = buildHeaders(options.headers, activeTraceparent());
        this.#connection.publish(subject, bytes, headers === undefined ? {} : { headers });
        return undefined;
      }
      await this.#ensured(message.stream);
      return this.#store(subject, bytes, {
        messageId: options.messageId ?? message.dedupeBy(payload) ?? randomUUID(),
        headers: options.headers ?? {},
        traceparent: activeTraceparent(),
      });
    };
    const receipt = await (this.telemetry.traces ? this.#publishing(message, send) : send());
    this.#metrics.published.add(1, { message: message.name });
    return receipt;
  }

  /** Makes a message ready for the outbox, with the trace that is active now. */
  stage<P, Name extends string>(
    message: CoreMessage<P, Name> | StreamMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options: PublishOptions = {},
  ): StagedMessage {
    const inStream = "stream" in message ? message : undefined;
    if (inStream !== undefined) this.#staged.set(inStream.stream.name, inStream.stream);
    const traceparent = activeTraceparent();
    return {
      subject: message.subjectFor(this.network, tokens),
      payload: message.encode(payload),
      messageId: options.messageId ?? inStream?.dedupeBy(payload) ?? randomUUID(),
      headers: {
        ...options.headers,
        ...(traceparent === undefined ? {} : { [HEADER.traceparent]: traceparent }),
      },
      stream: inStream?.stream.name,
    };
  }

  /** Sends a staged message; a repeat within the stream's window is dropped by its id. */
  async publishStaged(staged: StagedMessage): Promise<void> {
    if (staged.stream !== undefined) {
      // A row left by an earlier process names a stream that this one may not have touched yet.
      const stream =
        this.#staged.get(staged.stream) ?? registry.streams().find(({ name }) => name === staged.stream);
      if (stream !== undefined) await this.#ensured(stream);
      await this.#store(staged.subject, staged.payload, { ...staged, traceparent: undefined });
      return;
    }
    const headers = buildHeaders(staged.headers, undefined);
    this.#connection.publish(staged.subject, staged.payload, headers === undefined ? {} : { headers });
  }

  /** Reads a core message. Resolves when the server knows of the subscription. */
  async subscribe<P, Name extends string>(
    message: CoreMessage<P, Name>,
    filter: Partial<Tokens<Name>>,
    handler: (payload: P, context: MessageContext<Name>) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): Promise<Reader> {
    const subject = message.filter(this.network, filter);
    return this.#track(await openSubscription(message, subject, handler, options, this.#readerDeps()));
  }

  /**
   * Asks and waits for one answer. While nobody responds (a service is still starting) it asks again until the time is
   * up. Codes: REQUEST_TIMEOUT, REQUEST_NO_RESPONDER, REQUEST_BUSY, REQUEST_FAILED, and the responder's own.
   */
  async request<P, R, Name extends string>(
    message: RequestMessage<P, R, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options: RequestOptions = {},
  ): Promise<Result<R>> {
    const subject = message.subjectFor(this.network, tokens);
    const bytes = message.encode(payload);
    const began = performance.now();
    const answer = await this.telemetry.withSpan(
      `request ${message.name}`,
      { role: "client" },
      async (span) => {
        const result = await askOnce(this.#connection, subject, bytes, activeTraceparent(), options);
        const decoded = result.ok ? message.reply.decode(result.value) : result;
        if (!decoded.ok) span.set({ "error.type": decoded.code });
        return decoded;
      },
    );
    this.#metrics.request.record((performance.now() - began) / 1000, {
      message: message.name,
      code: answer.ok ? "OK" : answer.code,
    });
    return answer;
  }

  /** Answers requests, shared among the replicas of this service. */
  async respond<P, R, Name extends string>(
    message: RequestMessage<P, R, Name>,
    filter: Partial<Tokens<Name>>,
    handler: (payload: P, context: MessageContext<Name>) => Result<R> | Promise<Result<R>>,
    options: RespondOptions = {},
  ): Promise<Reader> {
    const subject = message.filter(this.network, filter);
    const deps = this.#readerDeps();
    return this.#track(
      await openResponder(message, subject, handler, { queue: this.name, ...options }, deps),
    );
  }

  /** Creates or updates a stream, as its owner does at start. @throws SomaError STREAM_MISMATCH */
  async ensureStream(stream: StreamDefinition): Promise<void> {
    await ensureStream(this.#jsm, stream, this.network, this.#replicas ?? stream.replicas);
    this.#streams.set(stream.name, Promise.resolve());
  }

  async streamState(stream: StreamDefinition): Promise<StreamState> {
    return streamState(this.#jsm, stream, this.network);
  }

  /** Reads one message of a stream through a durable consumer; the verdict alone settles it. */
  async consume<P, Name extends string>(
    message: StreamMessage<P, Name>,
    options: ConsumeOptions & { readonly filter?: Partial<Tokens<Name>> },
    handler: StreamHandler<P, Name>,
  ): Promise<Reader> {
    const filter = message.filter(this.network, options.filter);
    return this.#consume(message.stream, options, filter, [on(message, handler)]);
  }

  /** Reads every message of a stream in stream order; those without a binding are passed over. */
  async consumeAll(
    stream: StreamDefinition,
    options: ConsumeOptions,
    bindings: readonly Binding[],
  ): Promise<Reader> {
    for (const { message } of bindings)
      if (message.stream !== stream)
        throw new SomaError("BUS_BINDING", `${message.name} is not in stream ${stream.name}`);
    return this.#consume(stream, options, undefined, bindings);
  }

  /** Reads a stream as a log, in order, from a position that the caller keeps. */
  async follow<P, Name extends string>(
    message: StreamMessage<P, Name>,
    options: { readonly from: FollowFrom; readonly filter?: Partial<Tokens<Name>> },
    handler: FollowHandler<P, Name>,
  ): Promise<Reader> {
    const filter = message.filter(this.network, options.filter);
    return this.#track(
      Follower.open(
        { message, network: this.network, filter, from: options.from, handler },
        { js: this.#js, telemetry: this.telemetry, ensure: () => this.#create(message.stream) },
      ),
    );
  }

  /** Resolves when the server has seen everything published so far. */
  async flush(): Promise<void> {
    await this.#connection.flush();
  }

  /** Longest time in which a consumer's handlers were at work and none ended, in milliseconds. */
  get stalledMs(): number {
    return Math.max(0, ...[...this.#consumers].map((consumer) => consumer.stalledMs));
  }

  /** Stops taking messages and waits for the handlers in progress. Publishing and asking go on. */
  async quiesce(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.close()));
  }

  /** Stops readers, waits for their handlers, sends what is buffered, closes. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.quiesce();
      if (this.#connection.isClosed()) return;
      // Draining asks the server; one that is gone would never answer.
      const drained = this.#connection.drain().catch(() => this.#connection.close());
      const late = setTimeout(() => void this.#connection.close(), 2000);
      await drained;
      clearTimeout(late);
    })();
    return this.#closing;
  }

  async #consume(
    stream: StreamDefinition,
    options: ConsumeOptions,
    filter: string | undefined,
    bindings: readonly Binding[],
  ): Promise<Reader> {
    const settler = new Settler(
      {
        network: this.network,
        stream: stream.name,
        durable: options.durable,
        maxDeliver: options.maxDeliver ?? 16,
      },
      {
        js: this.#js,
        telemetry: this.telemetry,
        metrics: this.#metrics,
        ensureDeadLetters: () => this.#ensured(DeadLetterStream),
      },
    );
    const queue = new KeyedQueue();
    const order = options.order ?? "serial";
    const key = (binding: Binding, message: { subject: string; seq: number }): string => {
      if (typeof order === "string") return order === "serial" ? "" : String(message.seq);
      return order(messageContext(binding.message, this.network, message));
    };
    const consumer = await DurableConsumer.open(
      { ...options, stream, streamName: stream.serverName(this.network), filter },
      {
        js: this.#js,
        jsm: this.#jsm,
        telemetry: this.telemetry,
        ensure: () => this.#create(stream),
        take: (message, stopping) => {
          const binding = bindings.find((b) => b.message.parse(this.network, message.subject) !== undefined);
          if (binding === undefined) return settler.take(undefined, message);
          return queue.run(key(binding, message), async () => {
            if (stopping.aborted) message.nak(GIVE_BACK_MS);
            else await settler.take(binding, message);
          });
        },
      },
    );
    this.#consumers.add(consumer);
    return this.#track({
      close: async () => {
        await consumer.close();
        this.#consumers.delete(consumer);
      },
    });
  }

  async #store(
    subject: string,
    bytes: Uint8Array,
    options: { messageId: string; headers: HeaderValues; traceparent: string | undefined },
  ): Promise<StreamReceipt> {
    const headers = buildHeaders(options.headers, options.traceparent);
    const ack = await storeAgain(() =>
      this.#js.publish(subject, bytes, {
        msgID: options.messageId,
        timeout: 2000,
        retries: 5,
        ...(headers === undefined ? {} : { headers }),
      }),
    );
    return { sequence: ack.seq, duplicate: ack.duplicate };
  }

  #publishing<T>(message: Message, send: () => Promise<T>): Promise<T> {
    const attributes = {
      "messaging.system": "nats",
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.template": message.template(),
    };
    return this.telemetry.withSpan(`publish ${message.name}`, { role: "producer", attributes }, send);
  }

  /** Once a stream is known to exist, publishing pays nothing for it. */
  #ensured(stream: StreamDefinition): Promise<void> {
    let known = this.#streams.get(stream.name);
    if (known === undefined) {
      known = this.#create(stream);
      this.#streams.set(stream.name, known);
      known.catch(() => this.#streams.delete(stream.name));
    }
    return known;
  }

  #create(stream: StreamDefinition): Promise<void> {
    return createStreamIfMissing(this.#jsm, stream, this.network, this.#replicas ?? stream.replicas);
  }

  #readerDeps() {
    return {
      connection: this.#connection,
      network: this.network,
      telemetry: this.telemetry,
      metrics: this.#metrics,
    };
  }

  #track(reader: Reader): Reader {
    const tracked: Reader = {
      close: async () => {
        this.#readers.delete(tracked);
        await reader.close();
      },
    };
    this.#readers.add(tracked);
    return tracked;
  }
}

/** A lost receipt is asked for again: the message id makes the repeat harmless. */
async function storeAgain<T>(store: () => Promise<T>, attempts = 5): Promise<T> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await store();
    } catch (error) {
      if (left === 0 || !isTimeout(error)) throw error;
    }
  }
}
