/** Wakes requests that wait for something to happen. A missed wake costs one interval, never an answer. */
export class News {
  readonly #waiting = new Map<string, Set<() => void>>();

  wake(topic: string): void {
    for (const resolve of this.#waiting.get(topic) ?? []) resolve();
  }

  /**
   * Repeats `look` until it finds something or `waitMs` is over: at once, at each wake of `topic`, and every
   * `everyMs` in case the wake came to another replica.
   */
  async until<T>(
    topic: string,
    waitMs: number,
    look: () => Promise<T | undefined>,
    everyMs = 500,
  ): Promise<T | undefined> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      // Listens before it looks, so that what happens in between is not missed.
      const woken = this.#next(topic, Math.min(everyMs, Math.max(0, deadline - performance.now())));
      const found = await look();
      if (found !== undefined || performance.now() >= deadline) {
        woken.cancel();
        return found;
      }
      await woken.promise;
    }
  }

  #next(topic: string, ms: number): { promise: Promise<void>; cancel: () => void } {
    let finish = () => {};
    const promise = new Promise<void>((resolve) => {
      const timer = setTimeout(() => finish(), ms);
      finish = () => {
        clearTimeout(timer);
        const waiting = this.#waiting.get(topic);
        waiting?.delete(finish);
        if (waiting?.size === 0) this.#waiting.delete(topic);
        resolve();
      };
      const waiting = this.#waiting.get(topic) ?? new Set();
      waiting.add(finish);
      this.#waiting.set(topic, waiting);
    });
    return { promise, cancel: () => finish() };
  }
}
