import type { Rng } from "@soma/base";
import type { Scheduler } from "./scheduler.ts";

/** The way of one message. */
export interface Passage {
  readonly rng: Rng;
  readonly from: string;
  readonly to: string;
  readonly nowMs: number;
}

/** One message's time on the way, in milliseconds. */
export type Latency = (passage: Passage) => number;

/** Latency models, each made anew for a run. Reordering follows from their spread. */
export const LATENCIES = {
  lan:
    () =>
    ({ rng }) =>
      1 + 2 * rng.float(),
  wan:
    () =>
    ({ rng }) =>
      25 + 60 * rng.float(),
  jitter:
    () =>
    ({ rng }) =>
      5 + 150 * rng.float(),
  bimodal:
    () =>
    ({ rng }) =>
      rng.chance(0.9) ? 5 + 10 * rng.float() : 150 + 200 * rng.float(),
  flapping: flappingLinks,
} as const satisfies Record<string, () => Latency>;

/** Each directed link is slow for a while, then fast for a while: nodes come to see quite different parts of the whole. */
function flappingLinks(): Latency {
  const links = new Map<string, { untilMs: number; extraMs: number }>();
  return ({ rng, from, to, nowMs }) => {
    const name = `${from}>${to}`;
    let link = links.get(name);
    if (link === undefined || link.untilMs <= nowMs) {
      link = { untilMs: nowMs + rng.between(60, 500), extraMs: rng.chance(0.4) ? rng.between(80, 600) : 0 };
      links.set(name, link);
    }
    return 2 + 10 * rng.float() + link.extraMs;
  };
}

export type LatencyName = keyof typeof LATENCIES;

/** How the network treats messages; may change while it runs. */
export interface NetworkConditions {
  latency: Latency;
  /** Probability that a message is lost. */
  loss: number;
  /** Probability that it comes twice, each copy with its own latency. */
  duplication: number;
}

type Handler<Message> = (from: string, message: Message) => void;

/** What became of the messages so far. */
export interface NetworkCounters {
  sent: number;
  delivered: number;
  lost: number;
  duplicated: number;
  cut: number;
}

/** Point-to-point messages between named nodes, lost, repeated, delayed and reordered as a seed decides. */
export class SimNetwork<Message> {
  readonly conditions: NetworkConditions;
  readonly counters: NetworkCounters = { sent: 0, delivered: 0, lost: 0, duplicated: 0, cut: 0 };
  readonly #scheduler: Scheduler;
  readonly #rng: Rng;
  readonly #handlers = new Map<string, Handler<Message>>();
  readonly #extraMs = new Map<string, number>();
  #side: (node: string) => number = () => 0;

  constructor(scheduler: Scheduler, rng: Rng, conditions: NetworkConditions) {
    this.#scheduler = scheduler;
    this.#rng = rng;
    this.conditions = { ...conditions };
  }

  /** Delivers to `handler` what is sent to `node` from now on; without one, messages vanish as at a dead host. */
  attach(node: string, handler: Handler<Message>): void {
    this.#handlers.set(node, handler);
  }

  detach(node: string): void {
    this.#handlers.delete(node);
  }

  /** Separates the groups; a node in none of them is alone with its like. What is on the way still arrives. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#side = (node) => groups.findIndex((group) => group.includes(node));
  }

  heal(): void {
    this.#side = () => 0;
    this.#extraMs.clear();
  }

  /** Adds `ms` to whatever `node` sends: a slow link. */
  slow(node: string, ms: number): void {
    this.#extraMs.set(node, ms);
  }

  send(from: string, to: string, message: Message): void {
    this.counters.sent += 1;
    if (this.#side(from) !== this.#side(to)) {
      this.counters.cut += 1;
      return;
    }
    if (this.#rng.chance(this.conditions.loss)) {
      this.counters.lost += 1;
      return;
    }
    this.#deliver(from, to, message);
    if (this.#rng.chance(this.conditions.duplication)) {
      this.counters.duplicated += 1;
      this.#deliver(from, to, message);
    }
  }

  #deliver(from: string, to: string, message: Message): void {
    const delayMs =
      this.conditions.latency({ rng: this.#rng, from, to, nowMs: this.#scheduler.nowMs }) +
      (this.#extraMs.get(from) ?? 0);
    this.#scheduler.after(delayMs, () => {
      const handler = this.#handlers.get(to);
      if (handler === undefined) return;
      this.counters.delivered += 1;
      handler(from, message);
    });
  }
}
