import type { BlockRef } from "@soma/protocol";
import type { ConsensusBounds } from "./bounds.ts";
import type { DagBlock, DagStore } from "./dag-store.ts";
import { compareRefs } from "./linearizer.ts";
import type { ConsensusRules } from "./rules.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** What became of a received block. */
export type Receipt = "accepted" | "suspended" | "known" | "collected" | "refused";

interface Suspended {
  readonly block: VerifiedBlock;
  /** Digests of ancestors that are not here; empties as they come. */
  readonly missing: Set<string>;
}

/** A block that others wait for and that nobody has delivered. */
interface Missing {
  readonly ref: BlockRef;
  readonly dependants: Set<string>;
}

/**
 * Takes blocks in any order and hands them on in a causal one. A block with ancestors that are not here is
 * suspended; what is missing is keyed by digest, because a slot may have several blocks (CONS-11). Equivocating
 * blocks are all accepted: votes decide.
 */
export class BlockAcceptance {
  readonly #dag: DagStore;
  readonly #rules: ConsensusRules;
  readonly #bounds: ConsensusBounds;
  readonly #suspended = new Map<string, Suspended>();
  readonly #missing = new Map<string, Missing>();
  readonly #byAuthor = new Map<number, Map<string, Suspended>>();
  #gcRound = 0;

  constructor(dag: DagStore, rules: ConsensusRules, bounds: ConsensusBounds) {
    this.#dag = dag;
    this.#rules = rules;
    this.#bounds = bounds;
  }

  /**
   * Takes one block; `accepted` grows by it and by what it releases, in a causal order. `isWanted`: it is bound by a commit
   * or was stored here, and must not be refused for its slot's sake.
   */
  receive(block: VerifiedBlock, accepted: DagBlock[], isWanted = false): Receipt {
    const { ref, body } = block;
    if (this.#dag.get(ref.digest) !== undefined || this.#suspended.has(ref.digest)) return "known";
    if (ref.round <= this.#gcRound) return "collected";
    if (!isWanted && !this.#missing.has(ref.digest) && this.#isCrowded(ref)) return "refused";
    const missing = body.ancestors.filter((ancestor) => !this.#isSettled(ancestor));
    if (missing.length === 0) {
      this.#accept(block, accepted);
      return "accepted";
    }
    if (!this.#makeRoom(ref)) return "refused";
    const entry = { block, missing: new Set(missing.map(({ digest }) => digest)) };
    this.#suspended.set(ref.digest, entry);
    this.#of(ref.author).set(ref.digest, entry);
    for (const ancestor of missing) this.#wait(ancestor, ref.digest);
    return "suspended";
  }

  /** The gc round rose: drops what lies at or below it and accepts what waited for nothing else. */
  collect(gcRound: number, accepted: DagBlock[]): void {
    if (gcRound <= this.#gcRound) return;
    this.#gcRound = gcRound;
    for (const { block } of [...this.#suspended.values()]) {
      if (block.ref.round <= gcRound) this.#drop(block.ref);
    }
    const settled = [...this.#missing.values()].filter(({ ref }) => ref.round <= gcRound);
    settled.sort((a, b) => compareRefs(a.ref, b.ref));
    for (const { ref } of settled) this.#release(ref.digest, accepted);
  }

  /** Blocks that are waited for and not here, neither accepted nor suspended; lowest rounds first. */
  missing(): BlockRef[] {
    const refs = [...this.#missing.values()].map(({ ref }) => ref);
    return refs.filter(({ digest }) => !this.#suspended.has(digest)).sort(compareRefs);
  }

  isMissing(digest: string): boolean {
    return this.#missing.has(digest) && !this.#suspended.has(digest);
  }

  suspended(digest: string): VerifiedBlock | undefined {
    return this.#suspended.get(digest)?.block;
  }

  /** The suspended block of the highest round by `author`. */
  newestSuspended(author: number): VerifiedBlock | undefined {
    let newest: VerifiedBlock | undefined;
    for (const { block } of this.#of(author).values()) {
      if (newest === undefined || block.ref.round > newest.ref.round) newest = block;
    }
    return newest;
  }

  /** Another block of the same slot, accepted or suspended: proof that its author equivocates (CONS-13). */
  twin(ref: BlockRef): VerifiedBlock | undefined {
    const accepted = this.#dag.slot(ref.round, ref.author).find((b) => b.ref.digest !== ref.digest);
    if (accepted !== undefined) return accepted.block;
    for (const { block } of this.#of(ref.author).values()) {
      if (block.ref.round === ref.round && block.ref.digest !== ref.digest) return block;
    }
    return undefined;
  }

  get sizes(): { readonly suspended: number; readonly missing: number } {
    return { suspended: this.#suspended.size, missing: this.#missing.size };
  }

  #isSettled(ref: BlockRef): boolean {
    return ref.round <= this.#gcRound || this.#rules.isPresent(this.#dag, ref);
  }

  #wait(ref: BlockRef, dependant: string): void {
    const entry = this.#missing.get(ref.digest);
    if (entry === undefined) this.#missing.set(ref.digest, { ref, dependants: new Set([dependant]) });
    else entry.dependants.add(dependant);
  }

  #accept(block: VerifiedBlock, accepted: DagBlock[]): void {
    accepted.push(this.#dag.insert(block));
    this.#release(block.ref.digest, accepted);
  }

  /** Tells dependants that `digest` is settled, and theirs in turn; a loop, as chains may be long. */
  #release(digest: string, accepted: DagBlock[]): void {
    const queue = [digest];
    for (const settled of queue) {
      const entry = this.#missing.get(settled);
      this.#missing.delete(settled);
      for (const dependant of entry?.dependants ?? []) {
        const waiting = this.#suspended.get(dependant);
        if (waiting === undefined) continue;
        waiting.missing.delete(settled);
        if (waiting.missing.size > 0) continue;
        this.#forget(waiting.block.ref);
        accepted.push(this.#dag.insert(waiting.block));
        queue.push(dependant);
      }
    }
  }

  /** Whether the slot has all the blocks that are taken unasked. */
  #isCrowded({ round, author }: BlockRef): boolean {
    let held = this.#dag.slot(round, author).length;
    if (held === 0 && this.#of(author).size < this.#bounds.blocksPerSlot) return false;
    for (const { block } of this.#of(author).values()) if (block.ref.round === round) held += 1;
    return held >= this.#bounds.blocksPerSlot;
  }

  /** False if the author's share is full of lower rounds, which will be of use sooner. */
  #makeRoom(ref: BlockRef): boolean {
    if (this.#of(ref.author).size < this.#bounds.suspendedPerAuthor) return true;
    const highest = this.newestSuspended(ref.author);
    if (highest === undefined || highest.ref.round <= ref.round) return false;
    this.#drop(highest.ref);
    return true;
  }

  #drop(ref: BlockRef): void {
    const entry = this.#suspended.get(ref.digest);
    if (entry === undefined) return;
    this.#forget(ref);
    for (const digest of entry.missing) {
      const waited = this.#missing.get(digest);
      waited?.dependants.delete(ref.digest);
      if (waited?.dependants.size === 0) this.#missing.delete(digest);
    }
  }

  #forget(ref: BlockRef): void {
    this.#suspended.delete(ref.digest);
    this.#of(ref.author).delete(ref.digest);
  }

  #of(author: number): Map<string, Suspended> {
    let blocks = this.#byAuthor.get(author);
    if (blocks === undefined) {
      blocks = new Map();
      this.#byAuthor.set(author, blocks);
    }
    return blocks;
  }
}
