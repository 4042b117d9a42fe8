import type { Sliced } from "@soma/base";

/** Milliseconds of work between two turns of the event loop. */
const SLICE_MS = 5;

/**
 * Runs long computations of one owner with turns of the event loop between their slices, so that timers, messages and
 * answers come in between. What follows one another within a turn counts together.
 */
export class Turns {
  /** When the work of this turn began; undefined while there was none. */
  #began: number | undefined;
  #turned: Promise<void> = Promise.resolve();

  /** Runs a computation to its end. @throws what it throws */
  async run<T>(work: Sliced<T>): Promise<T> {
    for (;;) {
      this.#work();
      const step = work.next();
      if (step.done === true) return step.value;
      if (this.#isOver()) await this.#turned;
    }
  }

  #work(): void {
    if (this.#began !== undefined) return;
    this.#began = performance.now();
    this.#turned = new Promise((resolve) => {
      setImmediate(() => {
        this.#began = undefined;
        resolve();
      });
    });
  }

  #isOver(): boolean {
    return this.#began !== undefined && performance.now() - this.#began >= SLICE_MS;
  }
}
