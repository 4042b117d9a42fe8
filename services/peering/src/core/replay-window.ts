/**
 * The sequence numbers that one sender used lately. Envelopes come by several ways and out of order, so those seen
 * are remembered one by one, at most twice `size` of them; below what was forgotten, everything is refused.
 */
export class ReplayWindow {
  readonly #size: number;
  #floor: number;
  #older = new Set<number>();
  #newer = new Set<number>();

  /** @param floor the lowest number ever taken is above it */
  constructor(size: number, floor: number) {
    this.#size = size;
    this.#floor = floor;
  }

  /** Whether the number may be new. */
  admits(sequence: number): boolean {
    return sequence > this.#floor && !this.#newer.has(sequence) && !this.#older.has(sequence);
  }

  /** Takes a number whose envelope was verified; false for one taken before or too old. */
  take(sequence: number): boolean {
    if (!this.admits(sequence)) return false;
    this.#newer.add(sequence);
    if (this.#newer.size >= this.#size) {
      for (const forgotten of this.#older) if (forgotten > this.#floor) this.#floor = forgotten;
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    return true;
  }

  /** Numbers held. */
  get held(): number {
    return this.#older.size + this.#newer.size;
  }
}
