/**
 * CONS-11: what a peer can make grow, and by how much. Operational: validators may differ in them without harm
 * to safety, but each must hold more than an honest network ever needs.
 */
export interface ConsensusBounds {
  /** Suspended blocks of one author; beyond it the highest round gives way. */
  readonly suspendedPerAuthor: number;
  /**
   * Blocks of one slot that are taken though nobody asked for them: an equivocator may sign as many as it likes. Whatever
   * another block lists is fetched and taken beyond this.
   */
  readonly blocksPerSlot: number;
  /** Rounds above the clock's at which blocks are still taken. */
  readonly futureRounds: number;
  /** Blocks asked for, or served, in one request. */
  readonly blocksPerRequest: number;
  /** Missing blocks asked for at a time; the rest waits its turn. */
  readonly fetchesInFlight: number;
  /** Own transactions waiting for a block. */
  readonly queuedTransactions: number;
  readonly queuedTransactionBytes: number;
  /** Commits whose votes are gathered for a certificate. */
  readonly commitsInVote: number;
  /** Commits behind the quorum's at which commits are fetched rather than blocks (CONS-9). */
  readonly commitLag: number;
  /** Commits behind at which live blocks are refused, once their votes are noted, and nothing is proposed. */
  readonly commitLagRefusing: number;
  /** Commits without blocks that may lead from a batch to the certified one. */
  readonly commitProof: number;
  /** Rounds a validator still proposes after the commit that closed its epoch (CONS-10). */
  readonly roundsAfterClose: number;
}

export const CONSENSUS_BOUNDS: ConsensusBounds = {
  suspendedPerAuthor: 256,
  blocksPerSlot: 8,
  futureRounds: 10_000,
  blocksPerRequest: 32,
  fetchesInFlight: 1024,
  queuedTransactions: 2_000,
  queuedTransactionBytes: 64 * 1024 * 1024,
  commitsInVote: 1_000,
  commitLag: 20,
  commitLagRefusing: 500,
  commitProof: 1_000,
  roundsAfterClose: 1_000,
};
