import type { BlockRef } from "@soma/protocol";

/** Blocks to ask one validator for, by its author index. */
export interface FetchRequest {
  readonly to: number;
  readonly refs: readonly BlockRef[];
}

interface Pursuit {
  attempt: number;
  dueAtMs: number;
  /** Who sent a block that lists it, and so must have it. */
  readonly hint: number;
}

/** Chases missing blocks: the sender of what lists them first, then their author, then everybody in turn. */
export class BlockFetcher {
  readonly #options: {
    readonly self: number;
    readonly size: number;
    readonly retryMs: number;
    readonly perRequest: number;
    readonly inFlight: number;
  };
  #pursued = new Map<string, Pursuit>();

  constructor(options: {
    self: number;
    size: number;
    retryMs: number;
    perRequest: number;
    inFlight: number;
  }) {
    this.#options = options;
  }

  /** Requests that are due now, for `missing`, lowest rounds first; whatever is no longer missing is dropped. */
  due(missing: readonly BlockRef[], from: number, nowMs: number): FetchRequest[] {
    const { inFlight, perRequest, retryMs } = this.#options;
    if (missing.length === 0 && this.#pursued.size === 0) return [];
    const pursued = new Map<string, Pursuit>();
    const byPeer = new Map<number, BlockRef[]>();
    for (const ref of missing.slice(0, inFlight)) {
      const pursuit = this.#pursued.get(ref.digest) ?? { attempt: 0, dueAtMs: nowMs, hint: from };
      pursued.set(ref.digest, pursuit);
      if (pursuit.dueAtMs > nowMs) continue;
      const to = this.#peer(ref, pursuit);
      pursuit.attempt += 1;
      pursuit.dueAtMs = nowMs + retryMs;
      if (to === null) continue;
      const refs = byPeer.get(to);
      if (refs === undefined) byPeer.set(to, [ref]);
      else refs.push(ref);
    }
    this.#pursued = pursued;
    const requests: FetchRequest[] = [];
    for (const to of [...byPeer.keys()].sort((a, b) => a - b)) {
      const refs = byPeer.get(to)!;
      for (let i = 0; i < refs.length; i += perRequest) {
        requests.push({ to, refs: refs.slice(i, i + perRequest) });
      }
    }
    return requests;
  }

  wakeAtMs(): number {
    let wake = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#pursued.values()) wake = Math.min(wake, dueAtMs);
    return wake;
  }

  get size(): number {
    return this.#pursued.size;
  }

  #peer(ref: BlockRef, { attempt, hint }: Pursuit): number | null {
    const { self, size } = this.#options;
    if (size < 2) return null;
    if (attempt === 0 && hint !== self && hint >= 0 && hint < size) return hint;
    const peer = (ref.author + attempt) % size;
    return peer === self ? (peer + 1) % size : peer;
  }
}
