/** What a simulation comes to. */
export type SimVerdict =
  | { readonly kind: "pass" }
  /** Nothing wrong was said, but nothing new either, although it should have been. */
  | { readonly kind: "stalled"; readonly reason: string; readonly atMs: number }
  /** An invariant broke: two truths, a second signature, an unbounded map. */
  | { readonly kind: "diverged"; readonly reason: string; readonly atMs: number };

/** The first breach of an invariant, kept, with the last events before it. */
export class SimJudge {
  readonly #now: () => number;
  readonly #traceLimit: number;
  #trace: string[] = [];
  #verdict: SimVerdict = { kind: "pass" };

  constructor(now: () => number, traceLimit = 400) {
    this.#now = now;
    this.#traceLimit = traceLimit;
  }

  get verdict(): SimVerdict {
    return this.#verdict;
  }

  get hasFailed(): boolean {
    return this.#verdict.kind !== "pass";
  }

  /** Notes an event. */
  note(line: string): void {
    if (this.hasFailed) return;
    this.#trace.push(`${this.#now().toFixed(1).padStart(9)} ${line}`);
    if (this.#trace.length > 2 * this.#traceLimit) this.#trace = this.#trace.slice(-this.#traceLimit);
  }

  diverged(reason: string): void {
    if (!this.hasFailed) this.#verdict = { kind: "diverged", reason, atMs: this.#now() };
  }

  stalled(reason: string): void {
    if (!this.hasFailed) this.#verdict = { kind: "stalled", reason, atMs: this.#now() };
  }

  trace(): string {
    return this.#trace.slice(-this.#traceLimit).join("\n");
  }
}

/** What a failing run prints: verdict, the command that repeats it, and the last events. */
export function describeFailure(verdict: SimVerdict, command: string, trace: string): string {
  if (verdict.kind === "pass") return "pass";
  return [
    `${verdict.kind} at ${verdict.atMs.toFixed(1)} ms: ${verdict.reason}`,
    `repeat: ${command}`,
    trace,
  ].join("\n");
}
