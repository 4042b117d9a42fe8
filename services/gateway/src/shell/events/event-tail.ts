import { comparePlaces, type Place } from "../../core/index.ts";

/** An event and the place behind it. */
export interface Placed<E> {
  readonly place: Place;
  readonly event: E;
}

/** What follows a place. */
export interface Step<E> {
  readonly events: readonly Placed<E>[];
  /** Where the reader stands after them. */
  readonly next: Place;
  /** First number of the history that is kept, if the place lies before it. */
  readonly firstKept?: bigint;
}

/** Pages of history read for readers that are behind, at once. */
const HISTORY_READERS = 4;

/**
 * The newest events of one sequence in memory, so that any number of readers costs one question; what is older is
 * read from the stored history, a few readers at a time.
 */
export class EventTail<E, F> {
  readonly #history: (after: Place, filter: F) => Promise<Step<E>>;
  readonly #matches: (event: E, filter: F) => boolean;
  readonly #maxEvents: number;
  #events: Placed<E>[] = [];
  /** What is in memory: the events after `#start` up to `#end`. */
  #start: Place | undefined;
  #end: Place = { whole: 0n, offset: 0 };
  /** Counts beginnings, so that a page asked for before one is not taken after it. */
  #generation = 0;
  #reading = 0;
  readonly #queue: (() => void)[] = [];

  constructor(options: {
    readonly history: (after: Place, filter: F) => Promise<Step<E>>;
    readonly matches: (event: E, filter: F) => boolean;
    readonly maxEvents: number;
  }) {
    this.#history = options.history;
    this.#matches = options.matches;
    this.#maxEvents = options.maxEvents;
  }

  /** Begins anew at a place: what was in memory may have left out what is wanted now. */
  begin(at: Place): void {
    this.#generation++;
    this.#events = [];
    this.#start = at;
    this.#end = at;
  }

  get end(): Place {
    return this.#end;
  }

  /** Takes what is new; true if there was something. */
  async advance(filter: F): Promise<boolean> {
    const from = this.#end;
    const generation = this.#generation;
    const { events, next, firstKept } = await this.#history(from, filter);
    if (generation !== this.#generation) return true;
    if (firstKept !== undefined) {
      this.begin({ whole: firstKept - 1n, offset: 0 });
      return true;
    }
    if (comparePlaces(next, from) === 0) return false;
    this.#events.push(...events);
    this.#end = next;
    const surplus = this.#events.length - this.#maxEvents;
    if (surplus > 0) this.#start = this.#events.splice(0, surplus).at(-1)!.place;
    return true;
  }

  /** The wanted events after a place, at most so many: from memory, or else from history. */
  async read(after: Place, filter: F, limit: number): Promise<Step<E>> {
    if (comparePlaces(after, this.#end) >= 0) return { events: [], next: after };
    if (this.#start === undefined || comparePlaces(after, this.#start) < 0) {
      return this.#inTurn(() => this.#history(after, filter));
    }
    const found: Placed<E>[] = [];
    for (let i = this.#firstAfter(after); i < this.#events.length; i++) {
      const placed = this.#events[i]!;
      if (!this.#matches(placed.event, filter)) continue;
      found.push(placed);
      if (found.length === limit) return { events: found, next: placed.place };
    }
    return { events: found, next: this.#end };
  }

  #firstAfter(place: Place): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePlaces(this.#events[middle]!.place, place) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    while (this.#reading >= HISTORY_READERS) await new Promise<void>((go) => this.#queue.push(go));
    this.#reading++;
    try {
      return await run();
    } finally {
      this.#reading--;
      this.#queue.shift()?.();
    }
  }
}
