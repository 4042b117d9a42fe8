import { fetchBlob } from "@soma/client";
import type { Hex32, JobId } from "@soma/protocol";
import { BoundedWorker } from "@soma/runtime";
import type { BlobFolder } from "@soma/storage";
import type { Telemetry } from "@soma/telemetry";

export interface VectorsAheadOptions {
  readonly gateways: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly fetchTimeoutMs: number;
  /** The operator's blobs, where its scorers look first. */
  readonly own: BlobFolder;
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
}

interface Wanted {
  readonly job: JobId;
  /** SHA-256 of the blob. */
  readonly vectors: Hex32;
  readonly maxBytes: number;
}

const DOWNLOADS = 4;
const MOST_WAITING = 256;

/**
 * Peers' vectors, fetched while the bundle is on its way to the ledger. Whether they come changes nothing but time: the
 * scorer fetches what is not here, and checks what is. They lie here only until the job's evaluation.
 */
export class VectorsAhead {
  readonly #options: VectorsAheadOptions;
  readonly #worker: BoundedWorker<Wanted>;
  readonly #wantedOf = new Map<JobId, Set<Hex32>>();

  constructor(options: VectorsAheadOptions) {
    this.#options = options;
    this.#worker = new BoundedWorker({
      concurrency: DOWNLOADS,
      maxWaiting: MOST_WAITING,
      handle: (wanted) => this.#take(wanted),
    });
  }

  want(wanted: Wanted): void {
    const ofJob = this.#wantedOf.get(wanted.job) ?? new Set();
    if (ofJob.has(wanted.vectors)) return;
    this.#wantedOf.set(wanted.job, ofJob.add(wanted.vectors));
    if (!this.#worker.offer(wanted)) ofJob.delete(wanted.vectors);
  }

  /** The job needs none of them any more. */
  async drop(job: JobId): Promise<void> {
    const vectors = this.#wantedOf.get(job);
    this.#wantedOf.delete(job);
    await Promise.all([...(vectors ?? [])].map((hash) => this.#options.own.remove(hash)));
  }

  /** Resolves when nothing is fetched any more. */
  idle(): Promise<void> {
    return this.#worker.idle();
  }

  async #take({ job, vectors, maxBytes }: Wanted): Promise<void> {
    const { gateways, fetch, fetchTimeoutMs, own, telemetry, signal } = this.#options;
    if (!this.#isWanted(job, vectors) || signal.aborted) return;
    try {
      if (await own.has(vectors)) {
        // Somebody else's to remove: a peer may name whatever it knows to be here.
        this.#wantedOf.get(job)?.delete(vectors);
        return;
      }
      const timeoutMs = fetchTimeoutMs;
      const blob = await fetchBlob({ gateways, hash: vectors, maxBytes, timeoutMs, signal, fetch });
      if (blob === undefined || !this.#isWanted(job, vectors)) return;
      await own.put(blob);
      if (!this.#isWanted(job, vectors)) await own.remove(vectors);
    } catch (error) {
      telemetry.log.debug({ job, error: String(error) }, "vectors were not fetched ahead");
    }
  }

  #isWanted(job: JobId, vectors: Hex32): boolean {
    return this.#wantedOf.get(job)?.has(vectors) === true;
  }
}
