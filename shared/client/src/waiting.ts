import { setTimeout as sleep } from "node:timers/promises";
import { SomaError } from "@soma/base";

/** Milliseconds after which a look is repeated though nobody told of a change. */
const LOOK_AGAIN_MS = 100;

/** The waiting of one session: woken by each change, ended by its own stop or by the caller's signal. */
export class Waiting {
  readonly #stop: AbortSignal;
  readonly #signal: AbortSignal;
  #changed: () => void = () => {};

  /** @param stop ends the session from within; `signal` is the caller's */
  constructor(stop: AbortSignal, signal: AbortSignal) {
    this.#stop = stop;
    this.#signal = signal;
  }

  /** Has whoever waits look again. */
  readonly changed = (): void => this.#changed();

  /**
   * Waits until `look` gives something truthy or null; with `forMs`, at most so long, and then gives what it gave.
   * @throws the caller's reason, or SomaError JOB_STOPPED
   */
  async until<T>(look: () => T | undefined | false, forMs = Number.POSITIVE_INFINITY): Promise<T> {
    const deadline = performance.now() + forMs;
    for (;;) {
      const found = look();
      if ((found !== undefined && found !== false) || performance.now() >= deadline) return found as T;
      this.#signal.throwIfAborted();
      if (this.#stop.aborted) throw new SomaError("JOB_STOPPED", "stopped");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(LOOK_AGAIN_MS, Math.max(1, deadline - performance.now())));
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Milliseconds of rest, cut short by `stop`. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}
