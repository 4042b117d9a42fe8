import type { Rng } from "@soma/base";

/** A log of records with the faults of a real disk: what was not synced may vanish, from some point on, in a crash. */
export class SimDisk<Entry> {
  #records: Entry[] = [];
  #synced = 0;

  get records(): readonly Entry[] {
    return this.#records;
  }

  append(record: Entry): void {
    this.#records.push(record);
  }

  /** All records so far survive a crash. */
  sync(): void {
    this.#synced = this.#records.length;
  }

  /** The host lost power: an arbitrary suffix of what was not synced is gone. Returns how many records. */
  crash(rng: Rng): number {
    const kept = this.#synced + rng.below(this.#records.length - this.#synced + 1);
    const lost = this.#records.length - kept;
    this.#records = this.#records.slice(0, kept);
    this.sync();
    return lost;
  }

  /** An older state is restored: the last `count` records are gone although they were synced. */
  rollBack(count: number): void {
    this.#records = this.#records.slice(0, Math.max(0, this.#records.length - count));
    this.sync();
  }

  /** The disk was replaced. */
  wipe(): void {
    this.#records = [];
    this.sync();
  }
}
