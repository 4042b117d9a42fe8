import { amount, hex32, ListCheckpoints, ListEvents, millis, type Reply } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import { z } from "zod";
import type { EventPosition, Place } from "../../core/index.ts";
import { ASKED, taken } from "../context.ts";
import { EventTail, type Placed, type Step } from "./event-tail.ts";

export const TOPICS = ["commits", "transactions", "jobs", "checkpoints", "epochs"] as const;
export type Topic = (typeof TOPICS)[number];

/** Which events a reader wants. */
export interface EventFilter {
  readonly topics: ReadonlySet<Topic>;
  /** Stages of this job alone. */
  readonly job: string | null;
  /** Transactions sent and jobs paid by this account alone. */
  readonly account: string | null;
}

type CommitEvent = Reply<typeof ListEvents>["events"][number]["event"];
type Checkpoint = Reply<typeof ListCheckpoints>["checkpoints"][number];
export type CheckpointEvent =
  | { readonly type: "checkpoint"; readonly data: Checkpoint }
  | { readonly type: "epoch"; readonly data: z.output<typeof epochEvent> };
export type GatewayEvent = CommitEvent | CheckpointEvent;

/** An epoch that a certified checkpoint opened. */
export const epochEvent = z.strictObject({
  epoch: amount,
  /** Of its facts. */
  digest: hex32,
  checkpoint: amount,
  /** The last commit of the epoch before. */
  lastCommit: amount,
  startTimestampMs: millis,
});

export interface FeedStep {
  readonly commits: Step<CommitEvent>;
  readonly checkpoints: Step<CheckpointEvent>;
}

/** In case the news of a commit was lost. */
const LOOK_EVERY_MS = 500;
const CHECKPOINTS_PAGE = 200;
const TOPIC_OF = { commit: "commits", transaction: "transactions", job: "jobs" } as const;
const EVERYTHING: EventFilter = { topics: new Set(TOPICS), job: null, account: null };
const WITHOUT_TRANSACTIONS: EventFilter = {
  ...EVERYTHING,
  topics: new Set(TOPICS.filter((topic) => topic !== "transactions")),
};

/** The ledger's events for this gateway's readers: asks only while there are any, and once for all of them. */
export class EventFeed {
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #commits: EventTail<CommitEvent, EventFilter>;
  readonly #checkpoints: EventTail<CheckpointEvent, EventFilter>;
  readonly #readers = new Map<object, EventFilter>();
  readonly #waiting = new Set<() => void>();
  /** Transactions are in memory only while somebody wants them: they are most of all events. */
  #hasTransactions = false;
  /** The present beginning, under way or done; none once it failed. */
  #beginning: Promise<void> | undefined;
  #advancing = false;
  #isWoken = false;
  readonly #timer: NodeJS.Timeout;

  constructor(options: { readonly bus: Bus; readonly log: Logger; readonly maxEvents: number }) {
    const { maxEvents } = options;
    this.#bus = options.bus;
    this.#log = options.log;
    this.#commits = new EventTail({
      history: (after, filter) => this.#commitHistory(after, filter),
      matches: wantsCommitEvent,
      maxEvents,
    });
    this.#checkpoints = new EventTail({
      history: (after, filter) => this.#checkpointHistory(after, filter),
      matches: wantsCheckpointEvent,
      maxEvents,
    });
    this.#timer = setInterval(() => this.wake(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Adds a reader; the result removes it. */
  async join(filter: EventFilter): Promise<() => void> {
    const reader = {};
    const wasEmpty = this.#readers.size === 0;
    this.#readers.set(reader, filter);
    const lacks = filter.topics.has("transactions") && !this.#hasTransactions;
    if (wasEmpty || lacks) {
      this.#hasTransactions ||= filter.topics.has("transactions");
      this.#beginning = undefined;
    }
    try {
      await this.#begun();
    } catch (error) {
      this.#leave(reader);
      throw error;
    }
    return () => this.#leave(reader);
  }

  /** Where a new reader begins that names no place. */
  get newest(): EventPosition {
    return { commits: this.#commits.end, checkpoints: this.#checkpoints.end };
  }

  async read({ commits, checkpoints }: EventPosition, filter: EventFilter, limit: number): Promise<FeedStep> {
    const [ofCommits, ofCheckpoints] = await Promise.all([
      this.#commits.read(commits, filter, limit),
      this.#checkpoints.read(checkpoints, filter, limit),
    ]);
    return { commits: ofCommits, checkpoints: ofCheckpoints };
  }

  /** Resolves at the next event, or after `ms`, or when the reader is gone. */
  next(ms: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        gone.removeEventListener("abort", finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      gone.addEventListener("abort", finish);
      this.#waiting.add(finish);
      if (gone.aborted) finish();
    });
  }

  /** Something happened on the ledger. */
  wake(): void {
    if (this.#readers.size === 0) return;
    this.#isWoken = true;
    if (this.#advancing) return;
    this.#advancing = true;
    this.#advance()
      .catch((error: unknown) => this.#log.debug({ error: String(error) }, "events are not to be had"))
      .finally(() => {
        this.#advancing = false;
      });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#wakeReaders();
  }

  #wakeReaders(): void {
    for (const finish of [...this.#waiting]) finish();
  }

  async #advance(): Promise<void> {
    for (let isMore = true; isMore && this.#readers.size > 0; ) {
      await this.#begun();
      this.#isWoken = false;
      const filter = this.#hasTransactions ? EVERYTHING : WITHOUT_TRANSACTIONS;
      const news = await Promise.all([this.#commits.advance(filter), this.#checkpoints.advance(filter)]);
      isMore = news.includes(true) || this.#isWoken;
      if (news.includes(true)) this.#wakeReaders();
    }
  }

  #leave(reader: object): void {
    this.#readers.delete(reader);
    this.#hasTransactions = [...this.#readers.values()].some(({ topics }) => topics.has("transactions"));
  }

  /** A failure is not kept: whoever comes next, or those who read already, begin again. */
  #begun(): Promise<void> {
    if (this.#beginning !== undefined) return this.#beginning;
    const beginning = this.#begin().catch((error: unknown) => {
      if (this.#beginning === beginning) this.#beginning = undefined;
      throw error;
    });
    this.#beginning = beginning;
    return beginning;
  }

  async #begin(): Promise<void> {
    const everywhere = { commit: 0n, offset: 0 };
    const asked = { ...toldOf(EVERYTHING), commits: false, transactions: false, jobs: false };
    const [{ kept }, { checkpoints }] = await Promise.all([
      this.#bus.request(ListEvents, {}, { after: everywhere, ...asked }, ASKED).then(taken),
      this.#bus
        .request(ListCheckpoints, {}, { order: "descending", after: null, limit: 1 }, ASKED)
        .then(taken),
    ]);
    this.#commits.begin({ whole: kept?.last ?? 0n, offset: 0 });
    this.#checkpoints.begin({ whole: checkpoints[0]?.sequence ?? 0n, offset: 0 });
    // Who stood before that place reads on from history.
    this.#wakeReaders();
  }

  async #commitHistory({ whole, offset }: Place, filter: EventFilter): Promise<Step<CommitEvent>> {
    const after = { commit: whole, offset };
    const page = taken(await this.#bus.request(ListEvents, {}, { after, ...toldOf(filter) }, ASKED));
    const events = page.events.map(({ place, event }) => ({ place: placeOf(place), event }));
    const step = { events, next: placeOf(page.next) };
    const { kept } = page;
    return kept !== null && whole + 1n < kept.first ? { ...step, firstKept: kept.first } : step;
  }

  async #checkpointHistory({ whole, offset }: Place, filter: EventFilter): Promise<Step<CheckpointEvent>> {
    const asked = { order: "ascending", after: whole, limit: CHECKPOINTS_PAGE } as const;
    const { checkpoints } = taken(await this.#bus.request(ListCheckpoints, {}, asked, ASKED));
    const last = checkpoints.at(-1);
    if (last === undefined) return { events: [], next: { whole, offset } };
    const events: Placed<CheckpointEvent>[] = [];
    for (const data of checkpoints) {
      const told = eventsOf(data);
      for (const [i, event] of told.entries()) {
        if (data.sequence === whole + 1n && i < offset) continue;
        const place =
          i + 1 === told.length
            ? { whole: data.sequence, offset: 0 }
            : { whole: data.sequence - 1n, offset: i + 1 };
        if (wantsCheckpointEvent(event, filter)) events.push({ place, event });
      }
    }
    return { events, next: { whole: last.sequence, offset: 0 } };
  }
}

/** A checkpoint's events: the epoch that it opens, then itself. */
function eventsOf(data: Checkpoint): CheckpointEvent[] {
  const { nextEpoch, epoch, sequence, commit, timestampMs } = data;
  const checkpoint = { type: "checkpoint", data } as const;
  if (nextEpoch === null) return [checkpoint];
  const opened = { epoch: epoch + 1n, digest: nextEpoch, checkpoint: sequence, lastCommit: commit };
  return [{ type: "epoch", data: { ...opened, startTimestampMs: timestampMs } }, checkpoint];
}

function wantsCommitEvent(event: CommitEvent, { topics, job, account }: EventFilter): boolean {
  if (!topics.has(TOPIC_OF[event.type])) return false;
  switch (event.type) {
    case "commit":
      return true;
    case "transaction":
      return account === null || event.data.sender === account;
    case "job":
      return (job === null || event.data.job === job) && (account === null || event.data.payer === account);
  }
}

function wantsCheckpointEvent({ type }: CheckpointEvent, { topics }: EventFilter): boolean {
  return topics.has(type === "epoch" ? "epochs" : "checkpoints");
}

function toldOf({ topics, job, account }: EventFilter) {
  return {
    commits: topics.has("commits"),
    transactions: topics.has("transactions"),
    jobs: topics.has("jobs"),
    job,
    account,
  };
}

function placeOf({ commit, offset }: { readonly commit: bigint; readonly offset: number }): Place {
  return { whole: commit, offset };
}
