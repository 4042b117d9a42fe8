import type { SomaError } from "@soma/base";
import type { Ranked, ScanQuery, TableChunk, TableLayout } from "../core/index.ts";
import type { Classification, Classified, ScanAnswer, ScanRequest } from "./scan-thread.ts";
import { Thread } from "./thread.ts";

/** Threads that compare vectors, so that the main one never waits for arithmetic. Each search is one thread's. */
export class ScanThreads {
  /** Settles when a thread ended by itself. */
  readonly failed: Promise<SomaError>;
  readonly #threads: readonly Thread<ScanRequest, ScanAnswer>[];
  #rotated = 0;

  constructor(count: number) {
    const url = new URL("./scan-thread.ts", import.meta.url);
    this.#threads = Array.from({ length: count }, () => new Thread<ScanRequest, ScanAnswer>(url));
    this.failed = Promise.race(this.#threads.map(({ failed }) => failed));
    // The first vectors come at the end of a job, when the validators that record them have most to do.
    for (const thread of this.#threads) thread.begin();
  }

  /** Rows from the first on whose leading dimensions are there. */
  get rotated(): number {
    return this.#rotated;
  }

  async open(layout: TableLayout): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ask({ kind: "open", layout })));
  }

  async attach(chunk: TableChunk): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ask({ kind: "attach", chunk })));
  }

  /** Fills the leading dimensions of the rows up to `to`, which follow those that were filled before. */
  async rotate(from: number, to: number): Promise<void> {
    await this.#threads[0]!.ask({ kind: "rotate", from, to });
    this.#rotated = Math.max(this.#rotated, to);
  }

  async scan(query: ScanQuery): Promise<Ranked[]> {
    return (await this.#leastBusy().ask({ kind: "scan", query })) as Ranked[];
  }

  async classify(classification: Classification): Promise<Classified> {
    return (await this.#leastBusy().ask({ kind: "classify", classification })) as Classified;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #leastBusy(): Thread<ScanRequest, ScanAnswer> {
    return this.#threads.reduce((least, thread) => (thread.load < least.load ? thread : least));
  }
}
