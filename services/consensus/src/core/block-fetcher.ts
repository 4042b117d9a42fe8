import type { BlockRef } from "@soma/protocol";

/** Blocks to ask one validator for, by its author index. */
export interface FetchRequest {
  readonly to: number;
  readonly refs: readonly BlockRef[];
}

interface Pursuit {
  attempt: number;
  askedAtMs: number;
  dueAtMs: number;
  /** Who sent a block that lists it, and so must have it. */
  readonly hint: number;
}

/** After a whole turn in vain the pause doubles, up to this many times the first one. */
const LONGEST_PAUSES = 8;

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

  /**
   * Requests that are due now, for `missing`, which comes lowest rounds first; whatever is no longer missing is dropped.
   * No more than `inFlight` are asked for within one `retryMs`, those first that were asked for least: blocks that nobody
   * has must not keep others out.
   */
  due(missing: readonly BlockRef[], from: number, nowMs: number): FetchRequest[] {
    if (missing.length === 0 && this.#pursued.size === 0) return [];
    const pursued = new Map<string, Pursuit>();
    const due: { ref: BlockRef; pursuit: Pursuit }[] = [];
    let free = this.#options.inFlight;
    for (const ref of missing) {
      const known = this.#pursued.get(ref.digest);
      const pursuit = known ?? {
        attempt: 0,
        askedAtMs: Number.NEGATIVE_INFINITY,
        dueAtMs: nowMs,
        hint: from,
      };
      pursued.set(ref.digest, pursuit);
      if (pursuit.dueAtMs <= nowMs) due.push({ ref, pursuit });
      else if (nowMs < pursuit.askedAtMs + this.#options.retryMs) free -= 1;
    }
    this.#pursued = pursued;
    if (due.length > free) due.sort((a, b) => a.pursuit.attempt - b.pursuit.attempt);
    return this.#requests(due.slice(0, Math.max(0, free)), nowMs);
  }

  #requests(due: readonly { ref: BlockRef; pursuit: Pursuit }[], nowMs: number): FetchRequest[] {
    const { perRequest, retryMs } = this.#options;
    const byPeer = new Map<number, BlockRef[]>();
    for (const { ref, pursuit } of due) {
      const to = this.#peer(ref, pursuit);
      pursuit.attempt += 1;
      pursuit.askedAtMs = nowMs;
      pursuit.dueAtMs = nowMs + retryMs * this.#pauses(pursuit.attempt);
      if (to === null) continue;
      const refs = byPeer.get(to);
      if (refs === undefined) byPeer.set(to, [ref]);
      else refs.push(ref);
    }
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

  /** As long as not everybody was asked, one; then twice as many with each turn. */
  #pauses(attempt: number): number {
    const turns = Math.floor(attempt / Math.max(1, this.#options.size));
    return Math.min(2 ** turns, LONGEST_PAUSES);
  }

  #peer(ref: BlockRef, { attempt, hint }: Pursuit): number | null {
    const { self, size } = this.#options;
    if (size < 2) return null;
    if (attempt === 0 && hint !== self && hint >= 0 && hint < size) return hint;
    const peer = (ref.author + Math.max(0, attempt - 1)) % size;
    return peer === self ? (peer + 1) % size : peer;
  }
}
