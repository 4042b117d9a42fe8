/** Runs tasks of one key one after another, in the order given, and tasks of different keys side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /** Resolves when the task has run. The task must not reject. */
  run(key: string, task: () => Promise<void>): Promise<void> {
    const before = this.#tails.get(key);
    const done = before === undefined ? task() : before.then(task);
    const tail = done.finally(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    this.#tails.set(key, tail);
    return done;
  }

  /** Keys with a task that runs or waits. */
  get keys(): number {
    return this.#tails.size;
  }
}
