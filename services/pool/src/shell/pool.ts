import { join } from "node:path";
import { err, ok, type Result, type SomaError } from "@soma/base";
import type { EmbeddingsRecorded, GetPool, Payload, Reply } from "@soma/contracts";
import { fromVectorBytes, vectorBytes } from "@soma/embedding";
import type { JobId } from "@soma/protocol";
import type { ResourceStack } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import { leadingDimensions, PoolBook, type Rotation, VectorTable } from "../core/index.ts";
import type { PoolConfig } from "./config.ts";
import { loadHnsw } from "./hnsw.ts";
import type { PoolMetrics } from "./metrics.ts";
import type { PublishedRotation } from "./rotation-file.ts";
import { ScanThreads } from "./scan-threads.ts";
import { SegmentIndex } from "./segment-index.ts";

export interface PoolDeps {
  readonly config: PoolConfig;
  readonly rotation: PublishedRotation | undefined;
  readonly metrics: PoolMetrics;
  readonly log: Logger;
  readonly resources: Pick<ResourceStack, "use">;
  /** A thread ended: nothing can be searched any more. */
  readonly fail: (error: SomaError) => void;
}

type Recorded = Payload<typeof EmbeddingsRecorded>;

/** The recorded vectors with what searches them: a book of items, a shared table, threads that scan, an index. */
export class Pool {
  readonly book = new PoolBook();
  readonly threads: ScanThreads;
  readonly #deps: PoolDeps;
  #table: VectorTable | undefined;
  #index: SegmentIndex | undefined;
  #isIndexing = false;
  #isFull = false;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.threads = deps.resources.use(new ScanThreads(deps.config.threads));
    void this.threads.failed.then(deps.fail);
  }

  /** Undefined while the pool is empty. */
  get table(): VectorTable | undefined {
    return this.#table;
  }

  get index(): SegmentIndex | undefined {
    return this.#index;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Leading dimensions that are served; undefined when there are none. */
  get rotation(): Rotation | undefined {
    return this.#table?.layout.rotation ?? undefined;
  }

  /** Takes a job in the ledger's order; one that is here already changes nothing. */
  async take(recorded: Recorded): Promise<void> {
    if (this.book.has(recorded.job)) return;
    const { metrics, log, config } = this.#deps;
    const vectors = vectorsOf(recorded);
    const dimension = vectors?.[0]?.length;
    if (vectors === undefined || dimension === undefined) {
      log.warn({ job: recorded.job }, "recorded vectors do not decode");
      metrics.leftOut.add(recorded.items, { reason: "malformed" });
      return;
    }
    if (this.#table !== undefined && this.#table.layout.dimension !== dimension) {
      log.warn({ job: recorded.job, dimension }, "recorded vectors are of another dimension");
      metrics.leftOut.add(recorded.items, { reason: "dimension" });
      return;
    }
    // Nothing after the first that is left out: what is held is the beginning of the ledger, on every replica.
    if (this.#isFull || this.book.rows + vectors.length > config.maxVectors) {
      if (!this.#isFull)
        log.warn({ vectors: this.book.rows }, "the pool is full; raise SOMA_POOL_MAX_VECTORS");
      this.#isFull = true;
      metrics.leftOut.add(recorded.items, { reason: "full" });
      return;
    }
    const table = this.#table ?? (await this.#open(dimension));
    const from = this.book.rows;
    const submitter = this.book.add({ ...recorded, items: vectors.length });
    const facts = { epoch: Number(recorded.epoch), submitter, modality: recorded.modality };
    const attached: Promise<void>[] = [];
    for (const [item, vector] of vectors.entries()) {
      const made = table.append(from + item, vector, facts);
      if (made === undefined) continue;
      attached.push(this.threads.attach(made));
      this.#index?.attach(made);
    }
    await Promise.all(attached);
    if (this.rotation !== undefined) await this.threads.rotate(from, this.book.rows);
    metrics.vectors.set(this.book.rows);
    await this.#grow();
  }

  /** From now on the index follows the table: what was there at the start is here. */
  async startIndexing(): Promise<void> {
    this.#isIndexing = true;
    await this.#grow();
  }

  /** An item's vector, or undefined if the pool does not hold it. */
  vector(job: JobId, item: number): Int16Array | undefined {
    const row = this.book.rowOf(job, item);
    return row === undefined ? undefined : this.#table?.vector(row);
  }

  /** Bytes of a job's vectors in their leading dimensions. Refusals: POOL_ITEM_NOT_FOUND, POOL_DIMENSION, POOL_NO_ROTATION. */
  leadingOf(job: JobId, count: number): Result<Uint8Array> {
    const checked = this.checkLeading(count);
    if (!checked.ok) return checked;
    const rows = this.book.rowsOf(job);
    if (rows === undefined) return err("POOL_ITEM_NOT_FOUND", `the pool holds no vectors of job ${job}`);
    const out = new Uint8Array(2 * count * (rows.to - rows.from));
    for (let row = rows.from; row < rows.to; row++) {
      const leading =
        row < this.threads.rotated
          ? this.#table!.leading(row, count)
          : leadingDimensions(checked.value, this.#table!.vector(row), count);
      out.set(vectorBytes(leading), 2 * count * (row - rows.from));
    }
    return ok(out);
  }

  /** Refusals: POOL_NO_ROTATION, POOL_DIMENSION. */
  checkLeading(count: number): Result<Rotation> {
    const { rotation } = this;
    if (rotation === undefined) {
      return err("POOL_NO_ROTATION", "no rotation is published for these vectors; leave dimensions out");
    }
    if (count > rotation.leading) {
      return err("POOL_DIMENSION", `at most ${rotation.leading} leading dimensions are served, not ${count}`);
    }
    return ok(rotation);
  }

  status(): Reply<typeof GetPool> {
    const { rotation } = this.#deps;
    return {
      commit: this.book.lastCommit,
      jobs: this.book.jobs,
      vectors: this.book.rows,
      dimension: this.#table?.layout.dimension ?? null,
      indexed: this.#index?.indexed ?? 0,
      segments: (this.#index?.segments ?? []).map(({ from, to, sha256 }) => ({ from, to, sha256 })),
      rotation:
        rotation === undefined || this.rotation === undefined
          ? null
          : { sha256: rotation.sha256, leading: this.rotation.leading },
    };
  }

  async #open(dimension: number): Promise<VectorTable> {
    const { rotation, log } = this.#deps;
    const fits = rotation?.rotation.dimension === dimension;
    if (rotation !== undefined && !fits) log.warn({ dimension }, "the rotation is of another dimension");
    const table = new VectorTable({ dimension, rotation: fits ? rotation.rotation : null });
    await this.threads.open(table.layout);
    this.#table = table;
    return table;
  }

  /** Threads of the index begin when there is a first block to index: a small pool does without them. */
  async #grow(): Promise<void> {
    const { config, metrics, log, resources, fail } = this.#deps;
    const { rows } = this.book;
    if (!this.#isIndexing || this.#table === undefined || rows < config.indexBlock) return;
    if (this.#index === undefined) {
      this.#isIndexing = false;
      if ((await loadHnsw()) === undefined) {
        log.warn("hnswlib-node is not built here (it needs g++, make and python3): every search is a scan");
        return;
      }
      const { layout, chunks } = this.#table;
      this.#index = new SegmentIndex({
        folder: join(config.data, "pool-index"),
        block: config.indexBlock,
        layout,
        chunks,
        onLoaded: (file, seconds) => {
          metrics.segments.add(1, { found: file.found });
          metrics.buildSeconds.record(seconds);
          metrics.indexed.set(this.#index?.indexed ?? 0);
          const { from, to, sha256, found } = file;
          log.info({ from, to, sha256, found, seconds }, "segment of the index loaded");
        },
        onFailed: (error) => log.error({ error: String(error) }, "the index cannot be built; searches scan"),
      });
      resources.use(this.#index);
      void this.#index.failed.then(fail);
      this.#isIndexing = true;
    }
    this.#index.grow(this.book.rows);
  }
}

function vectorsOf({ finals, items }: Recorded): Int16Array[] | undefined {
  const bytes = finals.length / items;
  if (items === 0 || !Number.isInteger(bytes)) return undefined;
  const vectors: Int16Array[] = [];
  for (let item = 0; item < items; item++) {
    const vector = fromVectorBytes(finals.subarray(item * bytes, (item + 1) * bytes));
    if (!vector.ok) return undefined;
    vectors.push(vector.value);
  }
  return vectors;
}
