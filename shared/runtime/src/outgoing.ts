import { randomUUID } from "node:crypto";
import type { NatsConnection } from "@nats-io/nats-core";
import type { CoreMessage, Message, StreamMessage, Tokens } from "@soma/contracts";
import { activeTraceparent, type Telemetry } from "@soma/telemetry";
import type { BusMetrics } from "./bus-metrics.ts";
import { buildHeaders, HEADER, type HeaderValues } from "./headers.ts";
import type { StreamPort, StreamReceipt } from "./stream-port.ts";

export interface PublishOptions {
  /** The broker's and the inbox's id; default the contract's `dedupeBy`, else a random one. */
  readonly messageId?: string;
  readonly headers?: HeaderValues;
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

/** What a bus sends: core messages at most once, messages of streams until the server confirms them. */
export class Outgoing {
  readonly #network: string;
  readonly #connection: NatsConnection;
  readonly #streams: StreamPort;
  readonly #telemetry: Telemetry;
  readonly #metrics: BusMetrics;

  constructor(deps: {
    readonly network: string;
    readonly connection: NatsConnection;
    readonly streams: StreamPort;
    readonly telemetry: Telemetry;
    readonly metrics: BusMetrics;
  }) {
    this.#network = deps.network;
    this.#connection = deps.connection;
    this.#streams = deps.streams;
    this.#telemetry = deps.telemetry;
    this.#metrics = deps.metrics;
  }

  /** As `Bus.publish`. */
  async publish<P, Name extends string>(
    message: CoreMessage<P, Name> | StreamMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options: PublishOptions = {},
  ): Promise<StreamReceipt | undefined> {
    const subject = message.subjectFor(this.#network, tokens);
    const bytes = message.encode(payload);
    const send = async () => {
      if (!("stream" in message)) {
        const headers = buildHeaders(options.headers, activeTraceparent());
        this.#connection.publish(subject, bytes, headers === undefined ? {} : { headers });
        return undefined;
      }
      return this.#streams.store(message.stream, subject, bytes, {
        messageId: options.messageId ?? message.dedupeBy(payload) ?? randomUUID(),
        headers: options.headers ?? {},
        traceparent: activeTraceparent(),
      });
    };
    const receipt = await (this.#telemetry.traces ? this.#publishing(message, send) : send());
    this.#metrics.published.add(1, { message: message.name });
    return receipt;
  }

  /** As `Bus.stage`. */
  stage<P, Name extends string>(
    message: CoreMessage<P, Name> | StreamMessage<P, Name>,
    tokens: Tokens<Name>,
    payload: P,
    options: PublishOptions = {},
  ): StagedMessage {
    const inStream = "stream" in message ? message : undefined;
    if (inStream !== undefined) this.#streams.remember(inStream.stream);
    const traceparent = activeTraceparent();
    return {
      subject: message.subjectFor(this.#network, tokens),
      payload: message.encode(payload),
      messageId: options.messageId ?? inStream?.dedupeBy(payload) ?? randomUUID(),
      headers: {
        ...options.headers,
        ...(traceparent === undefined ? {} : { [HEADER.traceparent]: traceparent }),
      },
      stream: inStream?.stream.name,
    };
  }

  /** As `Bus.publishStaged`. */
  async publishStaged(staged: StagedMessage): Promise<void> {
    if (staged.stream !== undefined) {
      await this.#streams.store(this.#streams.named(staged.stream), staged.subject, staged.payload, staged);
      return;
    }
    const headers = buildHeaders(staged.headers, undefined);
    this.#connection.publish(staged.subject, staged.payload, headers === undefined ? {} : { headers });
  }

  #publishing<T>(message: Message, send: () => Promise<T>): Promise<T> {
    const attributes = {
      "messaging.system": "nats",
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.template": message.template(),
    };
    return this.#telemetry.withSpan(`publish ${message.name}`, { role: "producer", attributes }, send);
  }
}
