interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Virtual time: events run in the order of their moments, equal moments in the order in which they were set. Nothing
 * here reads a real clock, so a run is a function of its seed.
 */
export class Scheduler {
  readonly #heap: Event[] = [];
  #nowMs: number;
  #set = 0;
  #executed = 0;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have run. */
  get executed(): number {
    return this.#executed;
  }

  /** Runs `run` at `atMs`, or now if that is past. The returned function takes it back. */
  at(atMs: number, run: () => void): () => void {
    let isCancelled = false;
    const event = {
      atMs: Math.max(atMs, this.#nowMs),
      order: this.#set++,
      run: () => {
        if (!isCancelled) run();
      },
    };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return () => {
      isCancelled = true;
    };
  }

  after(delayMs: number, run: () => void): () => void {
    return this.at(this.#nowMs + delayMs, run);
  }

  /** Runs all events up to `endMs`, until `stop` says so. */
  runUntil(endMs: number, stop: () => boolean = () => false): void {
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= endMs && !stop()) {
      const event = this.#take();
      this.#nowMs = event.atMs;
      this.#executed += 1;
      event.run();
    }
    if (!stop()) this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  #take(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #rise(start: number): void {
    const heap = this.#heap;
    for (let i = start; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) return;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #sink(start: number): void {
    const heap = this.#heap;
    for (let i = start; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
