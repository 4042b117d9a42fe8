import type { Support } from "./support.ts";

/**
 * The round in which a validator may propose next: it advances when blocks of quorum stake, by distinct authors,
 * are accepted at the current round, and jumps to the round of a later block, whose ancestors prove such a quorum.
 */
export class ThresholdClock {
  readonly #quorum: bigint;
  readonly #support: () => Support;
  #round: number;
  #authors: Support;

  constructor(options: { start: number; quorum: bigint; support: () => Support }) {
    this.#quorum = options.quorum;
    this.#support = options.support;
    this.#round = options.start;
    this.#authors = options.support();
  }

  get round(): number {
    return this.#round;
  }

  /** Counts an accepted block. */
  add(round: number, author: number): void {
    if (round < this.#round) return;
    if (round > this.#round) this.#enter(round);
    this.#authors.add(author);
    if (this.#authors.stake >= this.#quorum) this.#enter(round + 1);
  }

  #enter(round: number): void {
    this.#round = round;
    this.#authors = this.#support();
  }
}
