import type { Address } from "@soma/protocol";

/** A transaction that waits for a commit. */
export interface Waiting {
  readonly sender: Address;
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly sequence: bigint;
  readonly tip: bigint;
  readonly expiryEpoch: bigint;
  /** Order of admission, for ties. */
  readonly arrival: number;
  /** Milliseconds, as `admit` was told. */
  readonly admittedAt: bigint;
  /** Until then it is in somebody's block; 0 if it is free. Milliseconds. */
  leasedUntil: bigint;
}

/** Rates are whole millionths of a base unit a byte, rounded down. */
const RATE_UNIT = 1_000_000n;

/** Standing of what cannot execute as it stands, since a sequence number before it is missing. */
export const BEHIND_GAP = -1n;

/** What a transaction pays a byte, in millionths of a base unit. */
export function rateOf(tip: bigint, bytes: number): bigint {
  return (tip * RATE_UNIT) / BigInt(bytes);
}

/** The least tip whose rate reaches `rate`. */
export function tipAtRate(rate: bigint, bytes: number): bigint {
  return rate <= 0n ? 0n : (rate * BigInt(bytes) + RATE_UNIT - 1n) / RATE_UNIT;
}

/** A transaction with the least rate among it and those of its sender before it. */
export interface Standing {
  readonly waiting: Waiting;
  readonly standing: bigint;
}

/** One sender's waiting transactions. */
export class Sender {
  readonly waiting = new Map<bigint, Waiting>();
  /** The head that the pool has on offer. */
  offered: Waiting | undefined;
  #nextSequence = 0n;
  #bytes = 0;
  #tips = 0n;
  /** Nothing that can execute before this is free: it is where the search for a free one begins. */
  #freeFrom = 0n;
  #standings: readonly Standing[] | undefined;

  /** Of the account, as far as the pool knows. */
  get nextSequence(): bigint {
    return this.#nextSequence;
  }

  set nextSequence(next: bigint) {
    if (next === this.#nextSequence) return;
    this.#nextSequence = next;
    this.#freeFrom = next;
    this.#standings = undefined;
  }

  /** Of all that wait. */
  get tips(): bigint {
    return this.#tips;
  }

  get bytes(): number {
    return this.#bytes;
  }

  insert(waiting: Waiting): void {
    this.waiting.set(waiting.sequence, waiting);
    this.#bytes += waiting.bytes.length;
    this.#tips += waiting.tip;
    this.freed(waiting);
    this.#standings = undefined;
  }

  remove(waiting: Waiting): void {
    this.waiting.delete(waiting.sequence);
    this.#bytes -= waiting.bytes.length;
    this.#tips -= waiting.tip;
    // What comes in its place is free.
    this.freed(waiting);
    this.#standings = undefined;
  }

  /**
   * All in sequence. A transaction executes after those before it, so it gets nobody more than the cheapest of them
   * until that is gone; behind a gap it gets nobody anything.
   */
  get standings(): readonly Standing[] {
    this.#standings ??= this.#rank();
    return this.#standings;
  }

  #rank(): Standing[] {
    const ordered = [...this.waiting.values()].sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
    let expected = this.#nextSequence;
    let standing: bigint | undefined;
    return ordered.map((waiting) => {
      const rate = rateOf(waiting.tip, waiting.bytes.length);
      if (waiting.sequence > expected) standing = BEHIND_GAP;
      else if (standing === undefined || rate < standing) standing = rate;
      if (waiting.sequence >= expected) expected = waiting.sequence + 1n;
      return { waiting, standing };
    });
  }

  /** The standing that a transaction would have here, beside what waits already. */
  standingOf(sequence: bigint, tip: bigint, bytes: number): bigint {
    let standing = rateOf(tip, bytes);
    for (let at = this.#nextSequence; at < sequence; at++) {
      const before = this.waiting.get(at);
      if (before === undefined) return BEHIND_GAP;
      const rate = rateOf(before.tip, before.bytes.length);
      if (rate < standing) standing = rate;
    }
    return standing;
  }

  /** It is in no block any more. */
  freed({ sequence }: Waiting): void {
    if (sequence < this.#freeFrom && sequence >= this.#nextSequence) this.#freeFrom = sequence;
  }

  /**
   * The next that can go into a block: the first in sequence that is in none. A leased one is in a block already, so
   * those after it may follow; a gap ends it.
   */
  get head(): Waiting | undefined {
    for (;;) {
      const waiting = this.waiting.get(this.#freeFrom);
      if (waiting === undefined || waiting.leasedUntil === 0n) return waiting;
      this.#freeFrom += 1n;
    }
  }
}
