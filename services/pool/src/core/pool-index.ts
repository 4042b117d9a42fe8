import { compareCosine, cosineKey, displayCosine, squaredNorm } from "@soma/embedding";
import type { Address, EncoderId, JobId } from "@soma/protocol";

/** One recorded job: its items' final vectors in order. */
export interface RecordedJob {
  readonly job: JobId;
  readonly commit: bigint;
  readonly epoch: bigint;
  readonly payer: Address;
  readonly modality: number;
  readonly winner: EncoderId;
  /** One vector an item, all of the governed dimension. */
  readonly vectors: readonly Int16Array[];
}

export interface PoolHit {
  readonly recorded: RecordedJob;
  readonly item: number;
  /** For people; the order is decided in integers. */
  readonly similarity: number;
}

/**
 * The recorded final embeddings, in the order of the ledger, and exact search over them: by cosine on the
 * int16 components, compared as integers, ties by earlier record. Zero vectors (items on which no encoder
 * qualified) have no direction and are never found.
 */
export class PoolIndex {
  readonly #jobs = new Map<JobId, RecordedJob>();
  #vectors = 0;
  #lastCommit = 0n;

  /** Number of vectors. */
  get size(): number {
    return this.#vectors;
  }

  /** The newest commit whose vectors are here. */
  get lastCommit(): bigint {
    return this.#lastCommit;
  }

  has(job: JobId): boolean {
    return this.#jobs.has(job);
  }

  /** A job that is here already changes nothing. */
  add(recorded: RecordedJob): void {
    if (this.#jobs.has(recorded.job)) return;
    this.#jobs.set(recorded.job, recorded);
    this.#vectors += recorded.vectors.length;
    if (recorded.commit > this.#lastCommit) this.#lastCommit = recorded.commit;
  }

  vector(job: JobId, item: number): Int16Array | undefined {
    return this.#jobs.get(job)?.vectors[item];
  }

  /** The `limit` nearest to `query`, the best first. Vectors of another dimension are passed over. */
  search(query: Int16Array, limit: number): PoolHit[] {
    if (squaredNorm(query) === 0) return [];
    const best: { key: ReturnType<typeof cosineKey>; recorded: RecordedJob; item: number }[] = [];
    for (const recorded of this.#jobs.values()) {
      for (const [item, vector] of recorded.vectors.entries()) {
        if (vector.length !== query.length || squaredNorm(vector) === 0) continue;
        const key = cosineKey(query, vector);
        if (best.length === limit && compareCosine(key, best[limit - 1]!.key) >= 0) continue;
        let at = best.length;
        while (at > 0 && compareCosine(key, best[at - 1]!.key) < 0) at--;
        best.splice(at, 0, { key, recorded, item });
        if (best.length > limit) best.pop();
      }
    }
    return best.map(({ recorded, item }) => ({
      recorded,
      item,
      similarity: displayCosine(query, recorded.vectors[item]!),
    }));
  }
}
