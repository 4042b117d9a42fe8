import { isSampled, parseTraceparent, type Traceparent } from "./trace.ts";

/** Entries that travel in one header: 16 links tell a batch's story, and the header stays below 2 KB. */
const IN_HEADER = 16;

/**
 * Remembers which trace something belongs to, by its key (a transaction's digest, say), while it waits between two
 * spans: batches link the traces of what they carry. Only sampled traces are kept, and the oldest is given up first,
 * so that it costs nothing where nobody looks and little where all do.
 */
export class TraceBook {
  readonly #traces = new Map<string, Traceparent>();
  readonly #capacity: number;

  constructor(capacity = 1024) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#traces.size;
  }

  /** Undefined and unsampled contexts are not kept; of two for one key the first is. */
  remember(key: string, traceparent: Traceparent | undefined): void {
    const span = parseTraceparent(traceparent);
    if (span === undefined || !isSampled(span) || this.#traces.has(key)) return;
    this.#traces.set(key, traceparent!);
    if (this.#traces.size > this.#capacity) this.#traces.delete(this.#traces.keys().next().value!);
  }

  get(key: string): Traceparent | undefined {
    return this.#traces.get(key);
  }

  /** Those of these keys that are known, at most 16. */
  of(keys: Iterable<string>): Map<string, Traceparent> {
    const found = new Map<string, Traceparent>();
    if (this.#traces.size === 0) return found;
    for (const key of keys) {
      const known = this.#traces.get(key);
      if (known !== undefined) found.set(key, known);
      if (found.size >= IN_HEADER) break;
    }
    return found;
  }

  forget(keys: Iterable<string>): void {
    if (this.#traces.size === 0) return;
    for (const key of keys) this.#traces.delete(key);
  }

  /** Gives everything out and forgets it. */
  takeAll(): Traceparent[] {
    const all = [...this.#traces.values()];
    this.#traces.clear();
    return all;
  }
}

/** Keys and contexts as the value of a header: `key=traceparent`, separated by commas. Keys hold no comma or `=`. */
export function encodeTraces(traces: ReadonlyMap<string, Traceparent>): string {
  return [...traces].map(([key, traceparent]) => `${key}=${traceparent}`).join(",");
}

/** The inverse of `encodeTraces`; what is malformed or beyond 16 entries is left out. Never throws. */
export function decodeTraces(text: string | undefined): Map<string, Traceparent> {
  const traces = new Map<string, Traceparent>();
  for (const entry of text === undefined ? [] : text.split(",", IN_HEADER)) {
    const [key, traceparent] = entry.split("=", 2);
    if (key && parseTraceparent(traceparent) !== undefined) traces.set(key, traceparent!);
  }
  return traces;
}
