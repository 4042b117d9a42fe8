import type { DagBlock, DagStore } from "./dag-store.ts";
import type { Committee, Support } from "./support.ts";

/** What a decision may look at: the accepted blocks and the committee, nothing else. */
export interface DecisionView {
  readonly dag: DagStore;
  readonly committee: Committee;
  readonly support: () => Support;
}

/** What is known of a round's leader slot (CONS-3, CONS-4). */
export type Decision =
  | { readonly status: "commit"; readonly round: number; readonly block: DagBlock; readonly via: Via }
  | { readonly status: "skip"; readonly round: number; readonly via: Via }
  | { readonly status: "undecided"; readonly round: number };
type Via = "direct" | "indirect";

/** CONS-3: `x`, two rounds above `leader`, whose own ancestors hold quorum stake of votes for it. */
export function isCertificate(view: DecisionView, x: DagBlock, leader: DagBlock): boolean {
  const { digest, round } = leader.ref;
  const known = x.certifies.get(digest);
  if (known !== undefined) return known;
  const votes = view.support();
  for (const parent of x.parents) {
    if (parent.ref.round === round + 1 && parent.lists.has(digest)) votes.add(parent.ref.author);
  }
  const certifies = votes.stake >= view.committee.quorum;
  x.certifies.set(digest, certifies);
  return certifies;
}

/** CONS-3, direct commit: quorum stake of certificates two rounds above. */
export function isDirectlyCommitted(view: DecisionView, leader: DagBlock): boolean {
  const certificates = view.support();
  for (const x of view.dag.at(leader.ref.round + 2)) {
    if (isCertificate(view, x, leader)) certificates.add(x.ref.author);
  }
  return certificates.stake >= view.committee.quorum;
}

/**
 * CONS-3, direct skip: every known block of the slot is left out by quorum stake of blocks one round above; with
 * no block known, quorum stake of any such blocks. A block that is not here blames nobody.
 */
export function isDirectlySkipped(view: DecisionView, round: number, author: number): boolean {
  const above = view.dag.at(round + 1);
  const candidates = view.dag.slot(round, author);
  if (candidates.length === 0) {
    const present = view.support();
    for (const { ref } of above) present.add(ref.author);
    return present.stake >= view.committee.quorum;
  }
  return candidates.every((candidate) => {
    const blames = view.support();
    for (const block of above) if (!block.lists.has(candidate.ref.digest)) blames.add(block.ref.author);
    return blames.stake >= view.committee.quorum;
  });
}

/** CONS-4: the first slot at least three rounds above that is not skipped, decided or not. `higher` is ascending. */
export function findAnchor(higher: readonly Decision[], round: number): Decision | undefined {
  return higher.find((slot) => slot.round >= round + 3 && slot.status !== "skip");
}

/** CONS-4: whether the history of `anchor`, itself included, holds a certificate for `leader`. */
export function isCertifiedInHistory(view: DecisionView, anchor: DagBlock, leader: DagBlock): boolean {
  const certificateRound = leader.ref.round + 2;
  const queue = [anchor];
  const seen = new Set(queue);
  for (const block of queue) {
    if (block.ref.round === certificateRound) {
      if (isCertificate(view, block, leader)) return true;
      continue;
    }
    for (const parent of block.parents) {
      if (parent.ref.round < certificateRound || seen.has(parent)) continue;
      seen.add(parent);
      queue.push(parent);
    }
  }
  return false;
}
