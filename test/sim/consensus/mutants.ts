import {
  CONSENSUS_RULES,
  type ConsensusRules,
  type DecisionView,
  isCertificate,
  type Support,
} from "@soma/consensus/core";
import type { SimOptions } from "./simulate.ts";

/** A named mistake: rules with one replaced, or a shell that breaks CONS-8. */
export interface Mutant {
  readonly name: string;
  /** The rule that it breaks. */
  readonly rule: string;
  readonly rules?: (nowMs: () => number) => Partial<ConsensusRules>;
  readonly shell?: Pick<SimOptions, "syncsSignerLog" | "forgetsLoss" | "confirmsLease">;
  /** Where the search for a killing seed begins, for one that few seeds kill; it goes through all of them. */
  readonly searchFrom?: number;
}

function blames(view: DecisionView, round: number, digest: string): Support {
  const support = view.support();
  for (const block of view.dag.at(round + 1)) if (!block.lists.has(digest)) support.add(block.ref.author);
  return support;
}

function votes(view: DecisionView, round: number, digest: string): Support {
  const support = view.support();
  for (const block of view.dag.at(round + 1)) if (block.lists.has(digest)) support.add(block.ref.author);
  return support;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "quorum less one",
    rule: "CONS-1",
    rules: () => ({ quorum: (total) => (2n * total) / 3n }),
  },
  {
    name: "equivocator counted twice",
    rule: "CONS-1",
    rules: () => ({
      support: (stakes) => {
        let stake = 0n;
        return {
          add: (author) => {
            stake += stakes[author] ?? 0n;
          },
          has: () => false,
          get stake() {
            return stake;
          },
        };
      },
    }),
  },
  {
    name: "a block is one vote, whatever its stake",
    rule: "CONS-1",
    rules: () => ({
      quorum: (total) => total,
      support: (stakes) => {
        const total = stakes.reduce((sum, stake) => sum + stake, 0n);
        const needed = Math.floor((2 * stakes.length) / 3) + 1;
        const authors = new Set<number>();
        return {
          add: (author) => {
            authors.add(author);
          },
          has: (author) => authors.has(author),
          get stake() {
            return authors.size >= needed ? total : 0n;
          },
        };
      },
    }),
  },
  {
    name: "two-round commit",
    rule: "CONS-3",
    rules: () => ({
      isDirectlyCommitted: (view, leader) =>
        votes(view, leader.ref.round, leader.ref.digest).stake >= view.committee.quorum,
    }),
  },
  {
    name: "one certificate commits",
    rule: "CONS-3",
    rules: () => ({
      isDirectlyCommitted: (view, leader) =>
        view.dag.at(leader.ref.round + 2).some((x) => isCertificate(view, x, leader)),
    }),
  },
  {
    name: "blame by an absent block",
    rule: "CONS-3",
    rules: () => ({
      isDirectlySkipped: (view, round, author) =>
        view.dag
          .slot(round, author)
          .every(
            ({ ref }) => view.committee.total - votes(view, round, ref.digest).stake >= view.committee.quorum,
          ),
    }),
  },
  {
    name: "skip by a third",
    rule: "CONS-3",
    rules: () => ({
      isDirectlySkipped: (view, round, author) => {
        const slot = view.dag.slot(round, author);
        if (slot.length === 0) return CONSENSUS_RULES.isDirectlySkipped(view, round, author);
        return slot.every(({ ref }) => 3n * blames(view, round, ref.digest).stake > view.committee.total);
      },
    }),
  },
  {
    name: "one rejected block skips the slot",
    rule: "CONS-3",
    rules: () => ({
      isDirectlySkipped: (view, round, author) => {
        const slot = view.dag.slot(round, author);
        if (slot.length === 0) return CONSENSUS_RULES.isDirectlySkipped(view, round, author);
        return slot.some(({ ref }) => blames(view, round, ref.digest).stake >= view.committee.quorum);
      },
    }),
  },
  {
    name: "undecided anchor passed over",
    rule: "CONS-4",
    rules: () => ({
      findAnchor: (higher, round) =>
        higher.find((slot) => slot.round >= round + 3 && slot.status === "commit"),
    }),
  },
  {
    name: "anchor at distance two",
    rule: "CONS-4",
    rules: () => ({
      findAnchor: (higher, round) => higher.find((slot) => slot.round >= round + 2 && slot.status !== "skip"),
    }),
  },
  {
    name: "certificate known locally",
    rule: "CONS-4",
    rules: () => ({
      isCertifiedInHistory: (view, _, leader) =>
        view.dag.at(leader.ref.round + 2).some((x) => isCertificate(view, x, leader)),
    }),
  },
  {
    name: "one vote in the anchor's history commits",
    rule: "CONS-4",
    rules: () => ({
      isCertifiedInHistory: (_, anchor, leader) => {
        const queue = [anchor];
        for (const block of queue) {
          if (block.lists.has(leader.ref.digest)) return true;
          for (const parent of block.parents) if (!queue.includes(parent)) queue.push(parent);
        }
        return false;
      },
    }),
  },
  {
    name: "gc round off by one",
    rule: "CONS-5",
    rules: () => ({
      gcRound: (previous, depth) => (depth === null ? 0 : Math.max(0, previous - depth + 1)),
    }),
  },
  {
    name: "sub-DAG in the order of traversal",
    rule: "CONS-5",
    rules: () => ({ compareRefs: () => 0 }),
  },
  {
    name: "timestamps not monotone",
    rule: "CONS-6",
    rules: () => ({ commitTimestamp: (median) => median }),
  },
  {
    name: "schedule boundary not respected",
    rule: "CONS-7",
    rules: () => ({ forgetDecisions: () => {} }),
  },
  {
    name: "signer log not synced before broadcast",
    rule: "CONS-8",
    shell: { syncsSignerLog: false },
  },
  {
    name: "lost signer log taken for an empty one",
    rule: "CONS-8",
    shell: { forgetsLoss: true },
  },
  {
    name: "a superseded instance goes on signing",
    rule: "CONS-8",
    shell: { confirmsLease: false },
  },
  {
    name: "lost signer log: one answer is enough",
    rule: "CONS-8",
    rules: () => ({ ownRoundQuorum: () => 1n, ownRoundFloor: (own) => own }),
  },
  {
    name: "lost signer log: a third's answers are enough",
    rule: "CONS-8",
    rules: () => ({ ownRoundQuorum: ({ total }) => total / 3n + 1n, ownRoundFloor: (own) => own }),
    searchFrom: 95,
  },
  {
    name: "lost signer log: blocks on their way forgotten",
    rule: "CONS-8",
    rules: () => ({ ownRoundFloor: (own) => own }),
    searchFrom: 95,
  },
  {
    name: "epoch closes by the local clock",
    rule: "CONS-10",
    rules: (nowMs) => ({ closesEpoch: (_, start, length) => BigInt(nowMs()) >= start + length }),
  },
  {
    name: "missing ancestors keyed by slot",
    rule: "CONS-11",
    rules: () => ({ isPresent: (dag, ref) => dag.slot(ref.round, ref.author).length > 0 }),
  },
];

/** The mutant's rules for one validator. */
export function rulesOf(mutant: Mutant, nowMs: () => number): ConsensusRules {
  return { ...CONSENSUS_RULES, ...mutant.rules?.(nowMs) };
}
