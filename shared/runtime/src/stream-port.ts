import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/nats-core";
import { registry, type StreamDefinition } from "@soma/contracts";
import type { Traceparent } from "@soma/telemetry";
import { buildHeaders, type HeaderValues } from "./headers.ts";
import { isTimeout } from "./request.ts";
import { createStreamIfMissing, ensureStream, type StreamState, streamState } from "./streams.ts";

/** The server's receipt. It acknowledges before it syncs to disk, so no safety rests on it. */
export interface StreamReceipt {
  readonly sequence: number;
  /** The stream already held a message of this id. */
  readonly duplicate: boolean;
}

const ATTEMPTS = 5;
const RECEIPT_WITHIN_MS = 2000;

/** The JetStream side of a connection: streams are made when they are first needed, receipts are asked for again. */
export class StreamPort {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly #network: string;
  readonly #replicas: number | undefined;
  readonly #existing = new Map<string, Promise<void>>();
  readonly #known = new Map<string, StreamDefinition>();

  private constructor(
    connection: NatsConnection,
    jsm: JetStreamManager,
    network: string,
    replicas: number | undefined,
  ) {
    this.js = jetstream(connection, { timeout: 5000 });
    this.jsm = jsm;
    this.#network = network;
    this.#replicas = replicas;
  }

  static async open(
    connection: NatsConnection,
    network: string,
    replicas: number | undefined,
  ): Promise<StreamPort> {
    // Not asked whether JetStream is there: an edge has none, and a server may still be starting it.
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: 5000 });
    return new StreamPort(connection, jsm, network, replicas);
  }

  /** Creates a stream or brings it up to its definition. */
  async ensure(stream: StreamDefinition): Promise<void> {
    await ensureStream(this.jsm, stream, this.#network, this.#replicas ?? stream.replicas);
    this.#existing.set(stream.name, Promise.resolve());
  }

  /** Creates a stream if the server has none of this name. */
  create(stream: StreamDefinition): Promise<void> {
    return createStreamIfMissing(this.jsm, stream, this.#network, this.#replicas ?? stream.replicas);
  }

  /** The same, asking the server only the first time. */
  ensured(stream: StreamDefinition): Promise<void> {
    let made = this.#existing.get(stream.name);
    if (made === undefined) {
      made = this.create(stream);
      this.#existing.set(stream.name, made);
      made.catch(() => this.#existing.delete(stream.name));
    }
    return made;
  }

  state(stream: StreamDefinition): Promise<StreamState> {
    return streamState(this.jsm, stream, this.#network);
  }

  /** Remembers a stream that rows of the outbox will name. */
  remember(stream: StreamDefinition): void {
    this.#known.set(stream.name, stream);
  }

  /** The stream of this name, also of rows that an earlier process left. */
  named(name: string): StreamDefinition | undefined {
    return this.#known.get(name) ?? registry.streams().find((stream) => stream.name === name);
  }

  /**
   * Puts bytes into a stream and waits for the receipt. A lost receipt is asked for again, since the message id makes
   * the repeat harmless, and a stream that the server has lost is made again.
   */
  async store(
    stream: StreamDefinition | undefined,
    subject: string,
    bytes: Uint8Array,
    options: { messageId: string; headers: HeaderValues; traceparent?: Traceparent | undefined },
  ): Promise<StreamReceipt> {
    const headers = buildHeaders(options.headers, options.traceparent);
    for (let left = ATTEMPTS - 1; ; left--) {
      try {
        if (stream !== undefined) await this.ensured(stream);
        const ack = await this.js.publish(subject, bytes, {
          msgID: options.messageId,
          timeout: RECEIPT_WITHIN_MS,
          ...(headers === undefined ? {} : { headers }),
        });
        return { sequence: ack.seq, duplicate: ack.duplicate };
      } catch (error) {
        const isLost = hasNoResponder(error);
        if (isLost && stream !== undefined) this.#existing.delete(stream.name);
        if (left === 0 || !(isLost || isTimeout(error))) throw error;
        // A stream is without a leader for some seconds when a server of a cluster goes.
        if (isLost) await new Promise((resolve) => setTimeout(resolve, 200 * (ATTEMPTS - left)));
      }
    }
  }
}

// No stream takes the subject: the client says so by this error or by one that wraps it.
function hasNoResponder(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof errors.NoRespondersError) return true;
  return false;
}
