export interface Standing {
  /** Index of the last own commit. */
  readonly commit: bigint;
  /** Whether commits are expected: false before recovery and once halted. */
  readonly isExpected: boolean;
}

/** What a look found: the first look at a standstill and the first after it are told apart from those between. */
export type StandstillChange = "began" | "ended" | null;

/**
 * Notices that no commit was made for too long. A quiet network commits all the time, since blocks carry no transaction
 * by need; so silence means that a quorum is away or that something here is broken, and an operator must hear of it.
 */
export class Standstill {
  readonly #afterMs: number;
  #commit = -1n;
  #sinceMs: number;
  #isStanding = false;

  constructor(afterMs: number, nowMs: number) {
    this.#afterMs = afterMs;
    this.#sinceMs = nowMs;
  }

  get isStanding(): boolean {
    return this.#isStanding;
  }

  /** Milliseconds since the last commit was seen, or since the start. */
  ageMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#sinceMs);
  }

  look({ commit, isExpected }: Standing, nowMs: number): StandstillChange {
    if (commit !== this.#commit || !isExpected) {
      this.#commit = commit;
      this.#sinceMs = nowMs;
    }
    const isStanding = this.ageMs(nowMs) >= this.#afterMs;
    if (isStanding === this.#isStanding) return null;
    this.#isStanding = isStanding;
    return isStanding ? "began" : "ended";
  }
}
