import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { errors, type Msg, type NatsConnection } from "@nats-io/nats-core";
import { type Result, SomaError } from "@soma/base";
import { type Message, type StreamDefinition, type StreamMessage, TAP } from "@soma/contracts";
import type { Telemetry } from "@soma/telemetry";
import { openConnection } from "./connection.ts";
import type { Credentials } from "./credentials.ts";
import { flush } from "./flush.ts";
import { HEADER, readHeader } from "./headers.ts";
import { StreamPort } from "./stream-port.ts";

export interface TapOptions {
  readonly servers: string | readonly string[];
  readonly network: string;
  readonly credentials?: Credentials | undefined;
  /** What to read; messages of an edge are of another account and are left out. */
  readonly messages: readonly Message[];
  readonly telemetry: Telemetry;
  /** Messages that may wait for the reader, default 4096; more are dropped and counted. */
  readonly maxPending?: number;
  /** Their bytes, default 64 MiB. */
  readonly maxPendingBytes?: number;
}

/** One message as it passed. */
export interface TappedMessage {
  /** When it arrived here, milliseconds since 1970. */
  readonly at: number;
  readonly message: Message;
  readonly subject: string;
  /** Of the payload, in bytes. */
  readonly size: number;
  /** Hex; undefined if the sender traced nothing. */
  readonly traceId: string | undefined;
  readonly payload: Uint8Array;
  /** The payload by the message's own codec; a refusal's code says why it is none. */
  readonly body: Result<unknown>;
}

const STREAMS_AGAIN_MS = 2_000;

interface Pending {
  readonly at: number;
  readonly message: Message;
  readonly msg: Msg;
}

/**
 * Reads what passes on an operator's bus without taking part: core subscriptions in no queue, no consumer, nothing
 * sent. A reader that is too slow loses messages here, and nobody else waits for it. A stream's messages are read
 * once the stream exists: before, a subscription would hide from publishers that they are not kept.
 */
export class Tap {
  readonly #connection: NatsConnection;
  readonly #streams: StreamPort;
  readonly #options: TapOptions;
  readonly #absent = new Map<StreamDefinition, StreamMessage[]>();
  readonly #refused = new Set<string>();
  readonly #queue: Pending[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #interruptions = 0;
  #wake: () => void = () => {};
  #closed = false;
  #again: NodeJS.Timeout | undefined;

  private constructor(connection: NatsConnection, streams: StreamPort, options: TapOptions) {
    this.#connection = connection;
    this.#streams = streams;
    this.#options = options;
  }

  /** @throws SomaError TAP_UNREACHABLE, TAP_CREDENTIALS, TAP_NO_MESSAGE, BUS_SERVER_TOO_OLD */
  static async open(options: TapOptions): Promise<Tap> {
    const { servers, credentials, telemetry, network } = options;
    const inside = options.messages.filter(({ space }) => space === "inside");
    if (inside.length === 0) throw new SomaError("TAP_NO_MESSAGE", "no message is chosen");
    const connection = await openConnection({
      servers,
      credentials,
      telemetry,
      name: TAP,
      failFast: true,
    }).catch((cause: unknown) => Promise.reject(unreachable(servers, cause)));
    const tap = new Tap(connection, await StreamPort.open(connection, network, undefined), options);
    try {
      await tap.#begin(inside);
    } catch (error) {
      await tap.close();
      throw error;
    }
    return tap;
  }

  /** Messages lost because the reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Times that the connection was lost; what passed meanwhile is missing. */
  get interruptions(): number {
    return this.#interruptions;
  }

  /** Names of messages that the credentials do not allow to be read. */
  get refused(): readonly string[] {
    return [...this.#refused];
  }

  /** Names of streams that do not exist yet. */
  get absentStreams(): readonly string[] {
    return [...this.#absent.keys()].map(({ name }) => name);
  }

  /** The messages in the order of their arrival, until `close`; decoded when they are taken. */
  async *messages(): AsyncGenerator<TappedMessage, void> {
    while (!this.#closed) {
      const next = this.#queue.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#queuedBytes -= next.msg.data.length;
      yield tapped(next);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#again);
    this.#wake();
    await this.#connection.close();
  }

  async #begin(messages: readonly Message[]): Promise<void> {
    void this.#watch();
    for (const message of messages) {
      if (!("stream" in message)) {
        this.#subscribe(message);
        continue;
      }
      const { stream } = message as StreamMessage;
      this.#absent.set(stream, [...(this.#absent.get(stream) ?? []), message as StreamMessage]);
    }
    await this.#findStreams();
    await flush(this.#connection);
  }

  #subscribe(message: Message): void {
    this.#connection.subscribe(message.filter(this.#options.network), {
      callback: (error, msg) => {
        if (error !== null) this.#refused.add(message.name);
        else this.#take(message, msg);
      },
    });
  }

  #take(message: Message, msg: Msg): void {
    const { maxPending = 4096, maxPendingBytes = 64 * 1024 * 1024 } = this.#options;
    if (this.#queue.length >= maxPending || this.#queuedBytes + msg.data.length > maxPendingBytes) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push({ at: Date.now(), message, msg });
    this.#queuedBytes += msg.data.length;
    this.#wake();
  }

  async #findStreams(): Promise<void> {
    for (const [stream, messages] of [...this.#absent]) {
      const exists = await this.#streams.state(stream).then(
        () => true,
        (error: unknown) => {
          // Credentials that may not ask are not the tap's; what they may read is shown all the same.
          if (error instanceof JetStreamApiError) return error.code !== JetStreamApiCodes.StreamNotFound;
          return error instanceof errors.PermissionViolationError;
        },
      );
      if (!exists) continue;
      this.#absent.delete(stream);
      for (const message of messages) this.#subscribe(message);
    }
    if (this.#absent.size > 0 && !this.#closed)
      this.#again = setTimeout(() => void this.#findStreams().catch(() => {}), STREAMS_AGAIN_MS);
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status())
      if (status.type === "disconnect" && !this.#closed) this.#interruptions += 1;
  }
}

function tapped({ at, message, msg }: Pending): TappedMessage {
  return {
    at,
    message,
    subject: msg.subject,
    size: msg.data.length,
    traceId: readHeader(msg.headers, HEADER.traceparent)?.split("-")[1],
    payload: msg.data,
    body: message.decode(msg.data),
  };
}

function unreachable(servers: string | readonly string[], cause: unknown): SomaError {
  if (cause instanceof SomaError) return cause;
  const isRefused =
    cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError;
  const address = typeof servers === "string" ? servers : servers.join(", ");
  return isRefused
    ? new SomaError(
        "TAP_CREDENTIALS",
        `the NATS server at ${address} refuses these credentials`,
        {},
        { cause },
      )
    : new SomaError("TAP_UNREACHABLE", `no NATS server answers at ${address}`, {}, { cause });
}
