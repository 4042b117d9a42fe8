/** Takes items as they come, handles a bounded number at once, lets a bounded number wait, refuses the rest. */
export class BoundedWorker<T> {
  readonly #handle: (item: T) => Promise<void>;
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #waiting: T[] = [];
  readonly #idle: (() => void)[] = [];
  #running = 0;

  /** `handle` must not reject. */
  constructor(options: {
    concurrency: number;
    maxWaiting: number;
    handle: (item: T) => Promise<void>;
  }) {
    this.#handle = options.handle;
    this.#concurrency = options.concurrency;
    this.#maxWaiting = options.maxWaiting;
  }

  /** False when the item was refused. */
  offer(item: T): boolean {
    if (this.#running < this.#concurrency) {
      this.#start(item);
      return true;
    }
    if (this.#waiting.length >= this.#maxWaiting) return false;
    this.#waiting.push(item);
    return true;
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #start(item: T): void {
    this.#running++;
    void this.#handle(item).finally(() => {
      this.#running--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#start(next);
      else if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }
}
