/** Stake gathered by distinct authors (CONS-1). */
export interface Support {
  /** Counts `author` in, once however often it comes. */
  add(author: number): void;
  has(author: number): boolean;
  readonly stake: bigint;
}

/** The stakes of an epoch's committee by author index, with the quorum that follows from them. */
export interface Committee {
  readonly stakes: readonly bigint[];
  readonly total: bigint;
  readonly quorum: bigint;
}

/** `quorum` is CONS-1's function of the total stake. */
export function committeeOf(stakes: readonly bigint[], quorum: (total: bigint) => bigint): Committee {
  const total = stakes.reduce((sum, stake) => sum + stake, 0n);
  return { stakes, total, quorum: quorum(total) };
}

/** An empty count over `stakes`; an author outside the committee weighs nothing. */
export function distinctAuthors(stakes: readonly bigint[]): Support {
  const authors = new Set<number>();
  let stake = 0n;
  return {
    add(author) {
      if (authors.has(author)) return;
      authors.add(author);
      stake += stakes[author] ?? 0n;
    },
    has: (author) => authors.has(author),
    get stake() {
      return stake;
    },
  };
}
