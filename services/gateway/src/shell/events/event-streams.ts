import { SomaError } from "@soma/base";
import type { FastifyReply } from "fastify";
import type { EventPosition } from "../../core/index.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { Quotas } from "../quotas.ts";
import type { EventFeed, EventFilter } from "./event-feed.ts";
import { EventStream, type StreamOptions } from "./event-stream.ts";

export interface StreamsOptions extends StreamOptions {
  /** Streams open at once, of everybody together. */
  readonly maxStreams: number;
}

/** Opens streams of events, so many and no more, and ends them with the gateway. */
export class EventStreams {
  readonly #feed: EventFeed;
  readonly #quotas: Quotas;
  readonly #metrics: GatewayMetrics;
  readonly #options: StreamsOptions;
  readonly #open = new Map<object, { stream: EventStream | undefined; ended: Promise<void> }>();
  #isClosing = false;

  constructor(
    options: StreamsOptions,
    deps: { readonly feed: EventFeed; readonly quotas: Quotas; readonly metrics: GatewayMetrics },
  ) {
    this.#options = options;
    this.#feed = deps.feed;
    this.#quotas = deps.quotas;
    this.#metrics = deps.metrics;
  }

  /**
   * Streams to a reader until it leaves. What refuses it comes before the first byte.
   * @param from where the reader stands; undefined for now
   * @throws SomaError GATEWAY_EVENTS_FULL, GATEWAY_QUOTA_EVENTS, GATEWAY_CLOSING, or that the ledger is away
   */
  async serve(
    reply: FastifyReply,
    wanted: {
      readonly client: string | undefined;
      readonly filter: EventFilter;
      readonly from: EventPosition | undefined;
    },
  ): Promise<void> {
    if (this.#isClosing) throw new SomaError("GATEWAY_CLOSING", "the gateway is shutting down");
    if (this.#open.size >= this.#options.maxStreams) {
      throw new SomaError(
        "GATEWAY_EVENTS_FULL",
        `${this.#options.maxStreams} event streams are open already`,
      );
    }
    const release = this.#quotas.openEvents(wanted.client);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const entry: { stream: EventStream | undefined; ended: Promise<void> } = { stream: undefined, ended };
    this.#open.set(entry, entry);
    try {
      const leave = await this.#feed.join(wanted.filter);
      try {
        await this.#stream(reply, entry, wanted.filter, wanted.from ?? this.#feed.newest);
      } finally {
        leave();
      }
    } finally {
      this.#open.delete(entry);
      this.#metrics.events.set(this.#open.size);
      release();
      end();
    }
  }

  /** Ends every stream with its reason. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { stream } of this.#open.values()) stream?.close();
    await Promise.all([...this.#open.values()].map(({ ended }) => ended));
    this.#feed.close();
  }

  async #stream(
    reply: FastifyReply,
    entry: { stream: EventStream | undefined },
    filter: EventFilter,
    from: EventPosition,
  ): Promise<void> {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // A connection that was streamed on serves nothing else after.
      connection: "close",
      // Proxies that buffer would hold events back.
      "x-accel-buffering": "no",
    });
    const stream = new EventStream(raw, this.#feed, { filter, from }, this.#options);
    entry.stream = stream;
    this.#metrics.events.set(this.#open.size);
    if (this.#isClosing) stream.close();
    const end = await stream.run();
    this.#metrics.eventStreamEnds.add(1, { reason: end });
  }
}
