import { steadyNow } from "@soma/runtime";

/** The core's one timer: rings once, at or after the moment it was last set to. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /**
   * Replaces the moment set before, by the steady clock. Node counts a timeout from the start of the loop's turn, so that
   * it may end before its moment: then the rest is waited for.
   */
  set(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (steadyNow() < atMs) this.set(atMs);
        else this.#ring();
      },
      Math.max(0, atMs - steadyNow()),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
