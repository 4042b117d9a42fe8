import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { comparePlaces, type EventPosition, formatEventId } from "../../core/index.ts";
import type { EventFeed, EventFilter, FeedStep, GatewayEvent } from "./event-feed.ts";

export interface StreamOptions {
  /** Milliseconds of silence after which a comment shows that the stream is alive. */
  readonly heartbeatMs: number;
  /** Milliseconds in which a reader must take what was written. */
  readonly patienceMs: number;
}

/** Why a stream ended. */
export type StreamEnd = "left" | "slow" | "closing";

/** Events taken from the feed at once: with the socket's own buffer all that is held for one reader. */
const EVENTS_AT_ONCE = 256;
const RETRY_MS = 1_000;
/** Times its patience that a slow reader has to take the reason. */
const GRACE = 4;
/** Pause when the ledger cannot be asked. */
const ASK_AGAIN_MS = 1_000;

const ENDINGS = {
  slow: {
    code: "GATEWAY_EVENTS_SLOW",
    reason: "events were not read in time; connect again and read faster, or ask for fewer",
  },
  closing: {
    code: "GATEWAY_CLOSING",
    reason: "the gateway is shutting down; connect again, here or elsewhere",
  },
} as const;

/**
 * One reader's stream of events. It holds no events of its own: it takes the next few when the reader has taken the
 * last, wherever in the history that is, so that a slow reader costs a place and not memory.
 */
export class EventStream {
  readonly #raw: ServerResponse;
  readonly #feed: EventFeed;
  readonly #filter: EventFilter;
  readonly #options: StreamOptions;
  #position: EventPosition;
  /** The place that the reader knows. */
  #told: EventPosition;
  #written = performance.now();
  readonly #gone = new AbortController();
  #end: StreamEnd | undefined;

  constructor(
    raw: ServerResponse,
    feed: EventFeed,
    wanted: { readonly filter: EventFilter; readonly from: EventPosition },
    options: StreamOptions,
  ) {
    this.#raw = raw;
    this.#feed = feed;
    this.#filter = wanted.filter;
    this.#position = wanted.from;
    this.#told = wanted.from;
    this.#options = options;
    raw.on("error", () => this.#leave("left"));
    raw.once("close", () => this.#leave("left"));
    // Gone while the ledger was asked where the stream begins.
    if (raw.destroyed) this.#leave("left");
  }

  /** Ends the stream, with its reason. */
  close(): void {
    this.#leave("closing");
  }

  /** Until the reader leaves or is cut off. */
  async run(): Promise<StreamEnd> {
    await this.#write(`retry: ${RETRY_MS}\n\n${this.#place()}`);
    while (this.#end === undefined) {
      const before = this.#position;
      const step = await this.#feed
        .read(before, this.#filter, EVENTS_AT_ONCE)
        .catch(() => undefined /* the ledger is away for the moment */);
      if (this.#end !== undefined) break;
      const text = step === undefined ? "" : this.#take(step);
      if (text !== "") await this.#write(text);
      else await this.#keepAlive();
      // A page of which nothing was wanted: the next may have something.
      if (isSame(before, this.#position)) {
        await this.#feed.next(
          step === undefined ? ASK_AGAIN_MS : this.#options.heartbeatMs,
          this.#gone.signal,
        );
      }
    }
    await this.#finish(this.#end!);
    return this.#end!;
  }

  /** What to write of a step; the position is then behind it. */
  #take({ commits, checkpoints }: FeedStep): string {
    const parts: string[] = [];
    if (commits.firstKept !== undefined) {
      this.#position = { ...this.#position, commits: { whole: commits.firstKept - 1n, offset: 0 } };
      const id = formatEventId(this.#position);
      const pruned = { code: "GATEWAY_PRUNED", firstCommit: commits.firstKept, resumeAt: id };
      parts.push(this.#block("pruned", pruned));
    } else {
      for (const { place, event } of commits.events) {
        this.#position = { ...this.#position, commits: place };
        parts.push(this.#block(event.type, event.data));
      }
      this.#position = { ...this.#position, commits: commits.next };
    }
    for (const { place, event } of checkpoints.events) {
      this.#position = { ...this.#position, checkpoints: place };
      parts.push(this.#block(event.type, event.data));
    }
    this.#position = { ...this.#position, checkpoints: checkpoints.next };
    return parts.join("");
  }

  #block(type: GatewayEvent["type"] | "pruned" | "place" | "closed", data: unknown): string {
    this.#told = this.#position;
    return `id: ${formatEventId(this.#position)}\nevent: ${type}\ndata: ${JSON.stringify(data, wire)}\n\n`;
  }

  /** Lets the reader know where it stands, though nothing that it wanted happened. */
  #place(): string {
    return this.#block("place", {});
  }

  async #keepAlive(): Promise<void> {
    if (performance.now() - this.#written < this.#options.heartbeatMs) return;
    await this.#write(isSame(this.#told, this.#position) ? ": alive\n\n" : `: alive\n\n${this.#place()}`);
  }

  /** Writes, and waits for a reader that has not taken what was written before. */
  async #write(text: string): Promise<void> {
    this.#written = performance.now();
    if (this.#end !== undefined || this.#raw.write(text)) return;
    const timeout = AbortSignal.timeout(this.#options.patienceMs);
    const signal = AbortSignal.any([timeout, this.#gone.signal]);
    await once(this.#raw, "drain", { signal }).catch(() => {
      if (timeout.aborted) this.#leave("slow");
    });
  }

  #leave(end: StreamEnd): void {
    this.#end ??= end;
    this.#gone.abort();
  }

  /** The last event says why; who does not take it in time is cut off. */
  async #finish(end: StreamEnd): Promise<void> {
    if (end === "left" || this.#raw.destroyed) return;
    this.#raw.end(this.#block("closed", { ...ENDINGS[end], resumeAt: formatEventId(this.#position) }));
    const patience = AbortSignal.timeout(end === "slow" ? GRACE * this.#options.patienceMs : RETRY_MS);
    await once(this.#raw, "close", { signal: patience }).catch(() => this.#raw.destroy());
  }
}

function isSame(a: EventPosition, b: EventPosition): boolean {
  return comparePlaces(a.commits, b.commits) === 0 && comparePlaces(a.checkpoints, b.checkpoints) === 0;
}

/** Large numbers as decimal strings, as everywhere in the interface. */
function wire(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
