import type { Scheduler } from "./scheduler.ts";

/** A node's own clock: off by `skewMs`, and running `driftPpm` millionths too fast. */
export class NodeClock {
  readonly #scheduler: Scheduler;
  readonly #skewMs: number;
  readonly #rate: number;

  constructor(scheduler: Scheduler, skewMs = 0, driftPpm = 0) {
    this.#scheduler = scheduler;
    this.#skewMs = skewMs;
    this.#rate = 1 + driftPpm / 1_000_000;
  }

  /** What the node takes for the time, whole milliseconds. */
  get nowMs(): number {
    return Math.floor(this.#scheduler.nowMs * this.#rate + this.#skewMs);
  }

  /** The moment at which this clock shows `atMs`. */
  trueMs(atMs: number): number {
    return (atMs - this.#skewMs) / this.#rate;
  }
}
