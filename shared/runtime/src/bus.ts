import type { NatsConnection } from "@nats-io/nats-core";
import { type Result, SomaError } from "@soma/base";
import type { CoreMessage, RequestMessage, StreamDefinition, StreamMessage, Tokens } from "@soma/contracts";
import { activeTraceparent, type Telemetry } from "@soma/telemetry";
import { type Binding, type ConsumeOptions, on, type StreamHandler } from "./binding.ts";
import { type BusMetrics, busMetrics } from "./bus-metrics.ts";
import { type ConnectionOptions, openConnection } from "./connection.ts";
import { openConsumer } from "./consume.ts";
import {
  openResponder,
  openSubscription,
  type Reader,
  type RespondOptions,
  type SubscribeOptions,
} from "./core-reader.ts";
import type { DurableConsumer } from "./durable-consumer.ts";
import { flush } from "./flush.ts";
import { Follower, type FollowFrom, type FollowHandler } from "./follow.ts";
import type { MessageContext, RequestContext } from "./message-context.ts";
import { Outgoing, type PublishOptions, type StagedMessage } from "./outgoing.ts";
import { askOnce, type RequestOptions } from "./request.ts";
import { StreamPort, type StreamReceipt } from "./stream-port.ts";
import type { StreamState } from "./streams.ts";

export interface BusOptions extends ConnectionOptions {
  /** Stands in every subject and stream name, so that two networks may share a server. */
  readonly network: string;
  /** Copies of each stream, where the server is a cluster; default: what the stream's definition says. */
  readonly replicas?: 1 | 3 | 5;
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
  readonly #streams: StreamPort;
  readonly #metrics: BusMetrics;
  readonly #outgoing: Outgoing;
  readonly #readers = new Set<Reader>();
  readonly #consumers = new Set<DurableConsumer>();
  #closing: Promise<void> | undefined;

  private constructor(options: BusOptions, connection: NatsConnection, streams: StreamPort) {
    this.network = options.network;
    this.name = options.name;
    this.telemetry = options.telemetry;
    this.#connection = connection;
    this.#streams = streams;
    this.#metrics = busMetrics(options.telemetry);
    const { network, telemetry } = options;
    this.#outgoing = new Outgoing({ network, telemetry, connection, streams, metrics: this.#metrics });
    this.closed = connection.closed().then((error) => {
      if (this.#closing !== undefined) return undefined;
      return error instanceof Error ? error : new SomaError("BUS_CLOSED", "the connection was closed");
    });
  }

  /** Connects, and waits for a server that is not there yet. @throws SomaError BUS_SERVER_TOO_OLD */
  static async open(options: BusOptions): Promise<Bus> {
    const connection = await openConnection(options);
    return new Bus(options, connection, await StreamPort.open(connection, options.network, options.replicas));
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
    return this.#outgoing.publish(message, tokens, payload, options);
  }

  /** Makes a message ready for the outbox, with the trace that is active now. */
  stage<P, Name extends string>(
    message: CoreMessage<P, Name> | StreamMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options: PublishOptions = {},
  ): StagedMessage {
    return this.#outgoing.stage(message, tokens, payload, options);
  }

  /** Sends a staged message; a repeat within the stream's window is dropped by its id. */
  async publishStaged(staged: StagedMessage): Promise<void> {
    await this.#outgoing.publishStaged(staged);
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
    handler: (payload: P, context: RequestContext<Name>) => Result<R> | Promise<Result<R>>,
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
    await this.#streams.ensure(stream);
  }

  async streamState(stream: StreamDefinition): Promise<StreamState> {
    return this.#streams.state(stream);
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
        {
          js: this.#streams.js,
          telemetry: this.telemetry,
          ensure: () => this.#streams.create(message.stream),
        },
      ),
    );
  }

  /** Resolves when the server has seen everything published so far. */
  async flush(): Promise<void> {
    await flush(this.#connection);
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
    const consumer = await openConsumer(stream, { ...options, filterSubject: filter }, bindings, {
      streams: this.#streams,
      network: this.network,
      telemetry: this.telemetry,
      metrics: this.#metrics,
    });
    this.#consumers.add(consumer);
    return this.#track({
      close: async () => {
        await consumer.close();
        this.#consumers.delete(consumer);
      },
    });
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
