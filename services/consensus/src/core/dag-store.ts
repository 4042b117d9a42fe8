import type { BlockRef } from "@soma/protocol";
import type { VerifiedBlock } from "./verified-block.ts";

/** An accepted block with what the rules ask of it. */
export interface DagBlock {
  readonly block: VerifiedBlock;
  readonly ref: BlockRef;
  /** Digests of its own ancestors. */
  readonly lists: ReadonlySet<string>;
  /** Its ancestors above the gc round at acceptance; emptied when the block leaves, so that none keeps a chain alive. */
  parents: readonly DagBlock[];
  /** Whether it certifies a block two rounds below, by that block's digest: fixed by its ancestors, so kept. */
  readonly certifies: Map<string, boolean>;
}

const NONE: readonly DagBlock[] = [];

/** The accepted blocks of an epoch above the gc round, by digest and by slot, causally closed above that round. */
export class DagStore {
  readonly #byDigest = new Map<string, DagBlock>();
  readonly #rounds = new Map<number, DagBlock[]>();
  readonly #newest: (DagBlock | undefined)[] = [];
  readonly #committed = new Map<number, Set<string>>();
  /** Digests of blocks with transactions that no commit has output. */
  readonly #carrying = new Set<string>();
  #highestRound = 0;
  #evictedRound = -1;

  /** Inserts a block whose ancestors above the gc round are all here. Idempotent by digest. */
  insert(block: VerifiedBlock): DagBlock {
    const { ref, body } = block;
    const known = this.#byDigest.get(ref.digest);
    if (known !== undefined) return known;
    const parents: DagBlock[] = [];
    for (const ancestor of body.ancestors) {
      const parent = this.#byDigest.get(ancestor.digest);
      if (parent !== undefined) parents.push(parent);
    }
    const lists = new Set(body.ancestors.map(({ digest }) => digest));
    const inserted: DagBlock = { block, ref, lists, parents, certifies: new Map() };
    this.#byDigest.set(ref.digest, inserted);
    const round = this.#rounds.get(ref.round);
    if (round === undefined) this.#rounds.set(ref.round, [inserted]);
    else round.push(inserted);
    const newest = this.#newest[ref.author];
    if (newest === undefined || newest.ref.round < ref.round) this.#newest[ref.author] = inserted;
    if (ref.round > this.#highestRound) this.#highestRound = ref.round;
    if (body.transactions.length > 0 && !this.isCommitted(ref)) this.#carrying.add(ref.digest);
    return inserted;
  }

  get(digest: string): DagBlock | undefined {
    return this.#byDigest.get(digest);
  }

  /** Blocks of a round in the order of their arrival, which no decision may depend on. */
  at(round: number): readonly DagBlock[] {
    return this.#rounds.get(round) ?? NONE;
  }

  /** Blocks of a slot: more than one if its author equivocated. */
  slot(round: number, author: number): readonly DagBlock[] {
    return this.at(round).filter(({ ref }) => ref.author === author);
  }

  /** The author's accepted block of the highest round, kept even below the gc round. */
  newest(author: number): DagBlock | undefined {
    return this.#newest[author];
  }

  /** The author's accepted block of the highest round below `round`. */
  newestBelow(author: number, round: number): DagBlock | undefined {
    const newest = this.#newest[author];
    if (newest === undefined || newest.ref.round < round) return newest;
    for (let r = round - 1; r > this.#evictedRound; r--) {
      const found = this.at(r).find(({ ref }) => ref.author === author);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  get highestRound(): number {
    return this.#highestRound;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  /** Whether transactions are here that wait for their commit. */
  get carriesTransactions(): boolean {
    return this.#carrying.size > 0;
  }

  /** Blocks of `author` above the gc round that no commit has output, by ascending round. */
  uncommitted(author: number): DagBlock[] {
    const rounds = [...this.#rounds.keys()].sort((a, b) => a - b);
    return rounds.flatMap((round) => this.slot(round, author)).filter(({ ref }) => !this.isCommitted(ref));
  }

  /** Notes that a commit output the block, also one that is not here (yet). */
  markCommitted(ref: BlockRef): void {
    this.#carrying.delete(ref.digest);
    const round = this.#committed.get(ref.round);
    if (round === undefined) this.#committed.set(ref.round, new Set([ref.digest]));
    else round.add(ref.digest);
  }

  isCommitted(ref: BlockRef): boolean {
    return this.#committed.get(ref.round)?.has(ref.digest) ?? false;
  }

  /** Forgets all rounds up to and including `round`; returns the blocks that left and that no commit had output. */
  evict(round: number): DagBlock[] {
    const left: DagBlock[] = [];
    for (let r = this.#evictedRound + 1; r <= round; r++) {
      for (const block of this.at(r)) {
        this.#byDigest.delete(block.ref.digest);
        this.#carrying.delete(block.ref.digest);
        block.parents = NONE;
        if (!this.isCommitted(block.ref)) left.push(block);
      }
      this.#rounds.delete(r);
    }
    for (const r of this.#committed.keys()) if (r <= round) this.#committed.delete(r);
    this.#evictedRound = Math.max(this.#evictedRound, round);
    return left;
  }
}
