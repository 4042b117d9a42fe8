import { maxBig } from "@soma/base";
import type { BlockRef } from "@soma/protocol";
import { quorumStake } from "@soma/protocol";
import type { DagBlock, DagStore } from "./dag-store.ts";
import {
  type Decision,
  type DecisionView,
  findAnchor,
  isCertifiedInHistory,
  isDirectlyCommitted,
  isDirectlySkipped,
} from "./decision-rules.ts";
import { compareRefs, gcRoundAfter } from "./linearizer.ts";
import { type Committee, distinctAuthors, type Support } from "./support.ts";

/**
 * The rules that decide safety, as one record of functions. A core runs on `CONSENSUS_RULES`; the mutation tests
 * hand it a record with one rule replaced, and the seeds must tell.
 */
export interface ConsensusRules {
  /** CONS-1: quorum stake of a total. */
  readonly quorum: (total: bigint) => bigint;
  /** CONS-1: an empty count of stake. */
  readonly support: (stakes: readonly bigint[]) => Support;
  /** CONS-3. */
  readonly isDirectlySkipped: (view: DecisionView, round: number, author: number) => boolean;
  /** CONS-3. */
  readonly isDirectlyCommitted: (view: DecisionView, leader: DagBlock) => boolean;
  /** CONS-4. */
  readonly findAnchor: (higher: readonly Decision[], round: number) => Decision | undefined;
  /** CONS-4. */
  readonly isCertifiedInHistory: (view: DecisionView, anchor: DagBlock, leader: DagBlock) => boolean;
  /** CONS-5: the gc round that holds after a commit of `previousLeaderRound`. */
  readonly gcRound: (previousLeaderRound: number, depth: number | null) => number;
  /** CONS-5: order within a sub-DAG. */
  readonly compareRefs: (a: BlockRef, b: BlockRef) => number;
  /** CONS-6: the commit's timestamp from the median and the previous commit's. */
  readonly commitTimestamp: (median: bigint, previous: bigint) => bigint;
  /** CONS-7: what becomes of decisions above the last commit when the swap table changes. */
  readonly forgetDecisions: (decided: Map<number, Decision>) => void;
  /** CONS-8: stake of others that must have answered before a validator without its signer log signs again. */
  readonly ownRoundQuorum: (committee: Committee) => bigint;
  /** CONS-8: the highest round that a validator without its signer log may have signed, from the answers. */
  readonly ownRoundFloor: (own: number, reportersTip: number) => number;
  /** CONS-10: whether a commit of this timestamp closes the epoch. */
  readonly closesEpoch: (timestampMs: bigint, startMs: bigint, lengthMs: bigint) => boolean;
  /** CONS-11: whether an ancestor need not be fetched. */
  readonly isPresent: (dag: DagStore, ref: BlockRef) => boolean;
}

export const CONSENSUS_RULES: ConsensusRules = {
  quorum: quorumStake,
  support: distinctAuthors,
  isDirectlySkipped,
  isDirectlyCommitted,
  findAnchor,
  isCertifiedInHistory,
  gcRound: gcRoundAfter,
  compareRefs,
  commitTimestamp: maxBig,
  forgetDecisions: (decided) => decided.clear(),
  ownRoundQuorum: (committee) => committee.quorum,
  // An own block of round r stands on quorum stake of round r-1, so one who answered signed there: r <= tip + 1.
  ownRoundFloor: (own, reportersTip) => Math.max(own, reportersTip + 1),
  closesEpoch: (timestampMs, startMs, lengthMs) => timestampMs >= startMs + lengthMs,
  isPresent: (dag, ref) => dag.get(ref.digest) !== undefined,
};
