import { SomaError } from "@soma/base";

/** How long a request waits, and whose it is. */
export interface Wait {
  readonly ms: number;
  readonly gone: AbortSignal;
  /** Undefined for one that is not counted. */
  readonly client: string | undefined;
}

/** Wakes requests that wait for something to happen. A missed wake costs one interval, never an answer. */
export class News {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #maxWaiting: number;
  readonly #openWait: (client: string | undefined) => () => void;
  #requests = 0;
  #closed = false;

  /**
   * @param maxWaiting requests that may wait at once
   * @param openWait counts one of a client; the result ends it
   */
  constructor(maxWaiting: number, openWait: (client: string | undefined) => () => void) {
    this.#maxWaiting = maxWaiting;
    this.#openWait = openWait;
  }

  wake(topic: string): void {
    for (const resolve of this.#waiting.get(topic) ?? []) resolve();
  }

  /** Ends all waiting: each request looks once more and is answered. */
  close(): void {
    this.#closed = true;
    for (const topic of [...this.#waiting.keys()]) this.wake(topic);
  }

  /**
   * Repeats `look` until it finds something, `waitMs` is over or nobody listens any more (`gone`): at once, at each
   * wake of `topic`, and every `everyMs` in case the wake came to another replica.
   * @throws SomaError GATEWAY_BUSY if too many wait already, GATEWAY_QUOTA_WAITS if too many of `client`
   */
  async until<T>(
    topic: string,
    wait: Wait & { readonly everyMs?: number },
    look: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { ms, gone, everyMs = 500 } = wait;
    const deadline = performance.now() + ms;
    if (ms > 0 && this.#requests >= this.#maxWaiting) {
      throw new SomaError("GATEWAY_BUSY", "too many requests wait here already");
    }
    const leave = ms > 0 ? this.#openWait(wait.client) : undefined;
    this.#requests++;
    try {
      for (;;) {
        // Listens before it looks, so that what happens in between is not missed.
        const woken = this.#next(topic, Math.min(everyMs, Math.max(0, deadline - performance.now())), gone);
        const isLast = () => performance.now() >= deadline || gone.aborted || this.#closed;
        const found = await look().catch((error: unknown) => {
          woken.cancel();
          throw error;
        });
        if (found !== undefined || isLast()) {
          woken.cancel();
          return found;
        }
        await woken.promise;
        if (gone.aborted) return undefined;
      }
    } finally {
      this.#requests--;
      leave?.();
    }
  }

  #next(topic: string, ms: number, gone: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(topic) ?? new Set();
    const finish = () => {
      clearTimeout(timer);
      gone.removeEventListener("abort", finish);
      waiting.delete(finish);
      if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    gone.addEventListener("abort", finish);
    waiting.add(finish);
    this.#waiting.set(topic, waiting);
    return { promise, cancel: finish };
  }
}
