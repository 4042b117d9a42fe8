import type { CollectedSpan } from "@soma/testkit";

/** Spans as a graph: parent and child, and what a link joins. */
export class TraceGraph {
  readonly #spans: ReadonlyMap<string, CollectedSpan>;
  readonly #neighbours = new Map<string, Set<string>>();

  constructor(spans: readonly CollectedSpan[]) {
    this.#spans = new Map(spans.map((span) => [span.spanId, span]));
    for (const span of spans) {
      if (span.parentSpanId !== undefined) this.#join(span.spanId, span.parentSpanId);
      for (const link of span.links) this.#join(span.spanId, link.spanId);
    }
  }

  get(spanId: string): CollectedSpan | undefined {
    return this.#spans.get(spanId);
  }

  /** Everything that hangs together with a span, over edges in both directions. */
  component(root: CollectedSpan): CollectedSpan[] {
    const seen = new Set([root.spanId]);
    const found: CollectedSpan[] = [];
    for (const spanId of seen) {
      const span = this.#spans.get(spanId);
      // An edge may lead to a span that was never delivered: nothing is known beyond it.
      if (span === undefined) continue;
      found.push(span);
      for (const next of this.#neighbours.get(spanId) ?? []) seen.add(next);
    }
    return found;
  }

  /** Links of these spans whose other end is of another operator, as `from>to`; `from` is where the cause is. */
  crossings(spans: readonly CollectedSpan[]): Map<string, number> {
    const found = new Map<string, number>();
    for (const span of spans) {
      for (const link of span.links) {
        const cause = this.#spans.get(link.spanId);
        if (cause === undefined || cause.operator === span.operator) continue;
        const key = `${kindOf(cause)}>${kindOf(span)}`;
        found.set(key, (found.get(key) ?? 0) + 1);
      }
    }
    return found;
  }

  #join(a: string, b: string): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const known = this.#neighbours.get(from) ?? new Set();
      known.add(to);
      this.#neighbours.set(from, known);
    }
  }
}

/** Of the devnet's names: v0 is a validator, e0 an encoder. */
export function kindOf({ operator }: Pick<CollectedSpan, "operator">): string {
  if (/^v[0-9]+$/.test(operator)) return "validator";
  return /^e[0-9]+$/.test(operator) ? "encoder" : operator;
}
