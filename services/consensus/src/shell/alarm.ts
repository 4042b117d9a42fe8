/** The core's one timer: rings once, at or after the moment it was last set to. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /**
   * Replaces the moment set before. Node counts a timeout from the start of the loop's turn, and the clock may be set
   * back meanwhile, so that a timeout may end before its moment: then the rest is waited for.
   */
  set(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (Date.now() < atMs) this.set(atMs);
        else this.#ring();
      },
      Math.max(0, atMs - Date.now()),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
