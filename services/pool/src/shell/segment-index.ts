import type { SomaError } from "@soma/base";
import { planSegments, type Segment, type TableChunk, type TableLayout } from "../core/index.ts";
import type { BuildRequest } from "./build-thread.ts";
import type { IndexRequest, Proposal } from "./index-thread.ts";
import type { SegmentFile } from "./segment-files.ts";
import { Thread } from "./thread.ts";

export interface SegmentIndexOptions {
  /** Folder of the segments' files. */
  readonly folder: string;
  readonly block: number;
  readonly layout: TableLayout;
  readonly chunks: readonly TableChunk[];
  /** A segment was loaded, `seconds` after it was wanted. */
  readonly onLoaded: (file: SegmentFile, seconds: number) => void;
  /** A segment could not be built, kept or loaded; its rows are scanned, and it is tried again when the table grows. */
  readonly onFailed: (error: unknown) => void;
}

/** The index over whole blocks of rows: segments built in one thread, and asked in another while the next is built. */
export class SegmentIndex {
  /** Settles when a thread ended by itself. */
  readonly failed: Promise<SomaError>;
  readonly #options: SegmentIndexOptions;
  readonly #builder: Thread<BuildRequest, SegmentFile | null>;
  readonly #asked: Thread<IndexRequest, Uint32Array | null>;
  #segments: readonly SegmentFile[] = [];
  #rows = 0;
  #isBuilding = false;
  #isClosed = false;

  constructor(options: SegmentIndexOptions) {
    this.#options = options;
    this.#builder = new Thread(new URL("./build-thread.ts", import.meta.url));
    this.#asked = new Thread(new URL("./index-thread.ts", import.meta.url));
    this.failed = Promise.race([this.#builder.failed, this.#asked.failed]);
    const { layout, chunks } = options;
    void this.#tell({ kind: "open", layout });
    for (const chunk of chunks) this.attach(chunk);
  }

  /** Parts that are loaded, in the order of rows. */
  get segments(): readonly SegmentFile[] {
    return this.#segments;
  }

  /** Rows covered, from the first on. */
  get indexed(): number {
    return this.#segments.at(-1)?.to ?? 0;
  }

  attach(chunk: TableChunk): void {
    void this.#tell({ kind: "attach", chunk });
  }

  /** Lets the index follow the table, which has so many rows now. */
  grow(rows: number): void {
    this.#rows = rows;
    if (this.#isBuilding || this.#isClosed) return;
    this.#isBuilding = true;
    void this.#follow().catch((error: unknown) => {
      this.#isBuilding = false;
      if (!this.#isClosed) this.#options.onFailed(error);
    });
  }

  /** Rows that may be near; what the index covers, and no more. */
  async propose(proposal: Proposal): Promise<Uint32Array> {
    return (await this.#asked.ask({ kind: "propose", proposal })) ?? new Uint32Array();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#builder.close(), this.#asked.close()]);
  }

  async #follow(): Promise<void> {
    const { folder, block, onLoaded } = this.#options;
    for (;;) {
      const plan = planSegments(this.#rows, block);
      const next = plan.find(({ from, to }) => !this.#segments.some((s) => s.from === from && s.to === to));
      if (next === undefined) {
        await this.#builder.ask({ kind: "tidy", folder, plan });
        if (!isSamePlan(planSegments(this.#rows, block), plan)) continue;
        this.#isBuilding = false;
        return;
      }
      const began = performance.now();
      const file = await this.#builder.ask({ kind: "provide", folder, segment: next });
      await this.#asked.ask({ kind: "load", file: file! });
      const others = this.#segments.filter(({ from, to }) => to <= next.from || from >= next.to);
      this.#segments = [...others, file!].sort((a, b) => a.from - b.from);
      onLoaded(file!, (performance.now() - began) / 1000);
    }
  }

  #tell(request: BuildRequest & IndexRequest): Promise<unknown> {
    return Promise.all([this.#builder.ask(request), this.#asked.ask(request)]).catch(() => undefined);
  }
}

function isSamePlan(a: readonly Segment[], b: readonly Segment[]): boolean {
  return a.length === b.length && a.every(({ from, to }, i) => from === b[i]!.from && to === b[i]!.to);
}
