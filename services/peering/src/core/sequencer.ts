/**
 * Numbers for own envelopes: they rise, also over a restart that keeps nothing, since they begin at the clock in
 * microseconds. A reader may therefore refuse what is older than its own start (less a tolerance) as a replay.
 */
export class Sequencer {
  #last = 0;

  next(nowMs: number): number {
    this.#last = Math.max(this.#last + 1, nowMs * 1000);
    return this.#last;
  }
}

/** The number at which envelopes of that time begin. */
export function sequenceAt(timeMs: number): number {
  return Math.max(0, timeMs) * 1000;
}
