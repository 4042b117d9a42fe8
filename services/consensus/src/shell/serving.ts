import type { ValidatorId } from "@soma/protocol";

/** Answers of a kind that may wait for one peer; an honest one asks for so much at once and no more (CONS-11). */
const MAX_WAITING = { blocks: 32, commits: 1 } as const;

/**
 * Answers peers' questions from storage one after another, beside the core's work: a peer that asks in a loop delays
 * its own answers and nothing else. What is asked beyond the bound is dropped; whoever needs it asks again.
 */
export class Serving {
  readonly #waiting = new Map<string, number>();
  readonly #onError: (error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** False if it was dropped. */
  answer(to: ValidatorId, kind: keyof typeof MAX_WAITING, run: () => Promise<void>): boolean {
    const key = `${kind} ${to}`;
    const waiting = this.#waiting.get(key) ?? 0;
    if (this.#closed || waiting >= MAX_WAITING[kind]) return false;
    this.#waiting.set(key, waiting + 1);
    this.#tail = this.#tail
      .then(() => (this.#closed ? undefined : run()))
      .catch(this.#onError)
      .finally(() => {
        const left = (this.#waiting.get(key) ?? 1) - 1;
        if (left === 0) this.#waiting.delete(key);
        else this.#waiting.set(key, left);
      });
    return true;
  }

  /** Takes no more and waits for the answer in hand. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
  }
}
