/** Numbers kept ahead of those used, a minute of the clock's: so often is something written, not for each envelope. */
const AHEAD = 60_000_000;

export interface SequencerOptions {
  /** What `keep` was last told, by this process or one before; 0 for nothing. */
  readonly kept: number;
  /** Keeps a number that no envelope has passed; must be on disk when it returns. */
  readonly keep: (number: number) => void;
}

/**
 * Numbers for own envelopes: they rise, also over a restart, since they follow the clock in microseconds and begin above
 * what was kept, should the clock have been set back. A reader may therefore refuse what is older than its own start
 * (less a tolerance) as a replay.
 */
export class Sequencer {
  readonly #keep: (number: number) => void;
  #last: number;
  #kept: number;

  constructor({ kept, keep }: SequencerOptions) {
    this.#last = kept;
    this.#kept = kept;
    this.#keep = keep;
  }

  next(nowMs: number): number {
    this.#last = Math.max(this.#last + 1, nowMs * 1000);
    if (this.#last > this.#kept) {
      this.#kept = this.#last + AHEAD;
      this.#keep(this.#kept);
    }
    return this.#last;
  }
}

/** The number at which envelopes of that time begin. */
export function sequenceAt(timeMs: number): number {
  return Math.max(0, timeMs) * 1000;
}
