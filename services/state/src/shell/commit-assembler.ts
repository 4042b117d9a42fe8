import type { CommitPart } from "@soma/contracts";
import { type Commit, commitDigest, type Digest, type Hex32 } from "@soma/protocol";
import type { Traceparent } from "@soma/telemetry";

/** Where a commit stands in traces: best effort, and never part of what is decided. */
export interface CommitTrace {
  /** The span in which it came; undefined unless its trace is kept. */
  readonly commit: Traceparent | undefined;
  /** Of single transactions, by digest. */
  readonly transactions: ReadonlyMap<Digest, Traceparent>;
}

/** A whole commit that follows the one before it. */
export interface DecidedCommit {
  readonly commit: Commit;
  readonly digest: Digest;
  /** beacon(index) of RAND-1. */
  readonly beacon: Hex32;
  /** In commit order. */
  readonly transactions: readonly { readonly author: number; readonly bytes: Uint8Array }[];
  readonly trace?: CommitTrace;
}

interface Held {
  readonly parts: (CommitPart | undefined)[];
  trace: CommitTrace | undefined;
  missing: number;
  bytes: number;
}

/** How far ahead of the next commit parts are kept; beyond it they are asked for again. */
const WINDOW = 256n;
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/**
 * Puts the parts of commits together and gives whole commits out in the order of their indices and of their digest
 * chain, each once. What comes twice, out of order, or from another chain does no harm.
 */
export class CommitAssembler {
  readonly #chainId: string;
  readonly #held = new Map<bigint, Held>();
  #next: bigint;
  #tip: Digest;
  #bytes = 0;
  #isBehind = false;

  /** @param last the last commit that needs not come again */
  constructor(chainId: string, last: { readonly index: bigint; readonly digest: Digest }) {
    this.#chainId = chainId;
    this.#next = last.index + 1n;
    this.#tip = last.digest;
  }

  /** Index of the commit that is given out next. */
  get next(): bigint {
    return this.#next;
  }

  /** Something later has been seen, so that what comes next is lost or late. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Empty if the part was taken, else why not: COMMIT_OLD, COMMIT_AHEAD, COMMIT_REPEATED, COMMIT_MALFORMED,
   * COMMIT_DIGEST.
   */
  offer(part: CommitPart, trace?: CommitTrace): string {
    const { index } = part.commit;
    if (index < this.#next) return "COMMIT_OLD";
    if (index > this.#next) this.#isBehind = true;
    const size = part.transactions.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const isFull = index !== this.#next && this.#bytes + size > MAX_HELD_BYTES;
    if (index >= this.#next + WINDOW || isFull) return "COMMIT_AHEAD";
    if (part.part >= part.parts) return "COMMIT_MALFORMED";
    if (commitDigest(this.#chainId, part.commit) !== part.digest) return "COMMIT_DIGEST";
    let held = this.#held.get(index);
    const first = held?.parts.find((known) => known !== undefined);
    if (held !== undefined && (first?.digest !== part.digest || held.parts.length !== part.parts)) {
      // Two that claim one place: the later one, which may have been asked for because the first did not fit.
      this.#drop(index);
      held = undefined;
    }
    if (held === undefined) {
      const parts = new Array<CommitPart | undefined>(part.parts).fill(undefined);
      held = { parts, trace: undefined, missing: part.parts, bytes: 0 };
      this.#held.set(index, held);
    }
    if (held.parts[part.part] !== undefined) return "COMMIT_REPEATED";
    held.parts[part.part] = part;
    held.trace ??= trace;
    held.missing -= 1;
    held.bytes += size;
    this.#bytes += size;
    return "";
  }

  /** The commits that are whole and follow. One that does not follow the last is dropped and asked for again. */
  takeReady(): DecidedCommit[] {
    const ready: DecidedCommit[] = [];
    for (;;) {
      const held = this.#held.get(this.#next);
      if (held === undefined || held.missing > 0) return ready;
      this.#drop(this.#next);
      const parts = held.parts as CommitPart[];
      const { commit, digest, beacon } = parts[0]!;
      if (commit.previous !== this.#tip) {
        this.#isBehind = true;
        return ready;
      }
      const transactions = parts.flatMap((part) => part.transactions);
      ready.push({ commit, digest, beacon, transactions, ...(held.trace && { trace: held.trace }) });
      this.#next += 1n;
      this.#tip = digest;
      this.#isBehind = this.#held.size > 0;
    }
  }

  #drop(index: bigint): void {
    this.#bytes -= this.#held.get(index)?.bytes ?? 0;
    this.#held.delete(index);
  }
}
