import type { CommitPoint } from "./commit-sequence.ts";

/** Asks for certified commits while a quorum is ahead (CONS-9), one peer at a time, the next one when it fails. */
export class CommitSync {
  readonly #self: number;
  readonly #size: number;
  readonly #retryMs: number;
  #attempt = 0;
  #dueAtMs = Number.NEGATIVE_INFINITY;
  #isBehind = false;
  #checkpoint: CommitPoint | null = null;

  constructor(options: { readonly self: number; readonly size: number; readonly retryMs: number }) {
    this.#self = options.self;
    this.#size = options.size;
    this.#retryMs = options.retryMs;
  }

  /** The newest commit of this epoch that a certified checkpoint names. */
  get checkpoint(): CommitPoint | null {
    return this.#checkpoint;
  }

  certified(point: CommitPoint): void {
    if (this.#checkpoint === null || point.index > this.#checkpoint.index) this.#checkpoint = point;
  }

  /** A batch was applied: ask on at once. */
  progressed(): void {
    this.#dueAtMs = Number.NEGATIVE_INFINITY;
  }

  /** The peer to ask now, if any; `last` is the index of the own last commit, `lag` what votes say of it. */
  due(input: { readonly last: bigint; readonly isLagging: boolean; readonly nowMs: number }): number | null {
    const { last, isLagging, nowMs } = input;
    this.#isBehind = isLagging || (this.#checkpoint !== null && this.#checkpoint.index > last);
    if (!this.#isBehind || nowMs < this.#dueAtMs || this.#size < 2) return null;
    this.#dueAtMs = nowMs + this.#retryMs;
    this.#attempt += 1;
    const peer = this.#attempt % this.#size;
    return peer === this.#self ? (peer + 1) % this.#size : peer;
  }

  wakeAtMs(): number {
    return this.#isBehind ? this.#dueAtMs : Number.POSITIVE_INFINITY;
  }
}
