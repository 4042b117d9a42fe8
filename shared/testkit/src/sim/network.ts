import type { Rng } from "@soma/base";
import type { Scheduler } from "./scheduler.ts";

/** One message's time on the way, in milliseconds. */
export type Latency = (rng: Rng) => number;

/** Latency models. Reordering follows from their spread. */
export const LATENCIES = {
  lan: (rng) => 1 + 2 * rng.float(),
  wan: (rng) => 25 + 60 * rng.float(),
  jitter: (rng) => 5 + 150 * rng.float(),
  bimodal: (rng) => (rng.chance(0.9) ? 5 + 10 * rng.float() : 150 + 200 * rng.float()),
} as const satisfies Record<string, Latency>;

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
    const delayMs = this.conditions.latency(this.#rng) + (this.#extraMs.get(from) ?? 0);
    this.#scheduler.after(delayMs, () => {
      const handler = this.#handlers.get(to);
      if (handler === undefined) return;
      this.counters.delivered += 1;
      handler(from, message);
    });
  }
}
