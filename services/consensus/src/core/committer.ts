import type { DagBlock } from "./dag-store.ts";
import type { Decision, DecisionView } from "./decision-rules.ts";
import type { ConsensusRules } from "./rules.ts";

/** Who leads a round; replaced as a whole when the swap table changes (CONS-7). */
export interface LeaderSource {
  leader(round: number): number;
}

/** Two blocks of one slot were committed: more than a third of the stake is faulty, or this program is. */
export class FaultBoundBroken extends Error {
  override readonly name = "FaultBoundBroken";
}

/**
 * Decides leader slots (CONS-3, CONS-4), one a round. A pure function of the accepted blocks and the schedule:
 * what it keeps between calls are decisions that no later block can change.
 */
export class Committer {
  readonly #view: DecisionView;
  readonly #rules: ConsensusRules;
  readonly #decided = new Map<number, Decision>();

  constructor(view: DecisionView, rules: ConsensusRules) {
    this.#view = view;
    this.#rules = rules;
  }

  /** Every slot from round `from` to two below the highest accepted round, ascending. */
  decide(from: number, leaders: LeaderSource): Decision[] {
    const ascending: Decision[] = [];
    for (let round = this.#view.dag.highestRound - 2; round >= from; round--) {
      let decision = this.#decided.get(round);
      if (decision === undefined) {
        decision = this.#decideSlot(round, leaders.leader(round), ascending);
        if (decision.status !== "undecided") this.#decided.set(round, decision);
      }
      ascending.unshift(decision);
    }
    return ascending;
  }

  /** The slots' decisions under another schedule may differ: forgets those that were not output. */
  scheduleChanged(): void {
    this.#rules.forgetDecisions(this.#decided);
  }

  /** Forgets slots up to and including `round`. */
  forgetUpTo(round: number): void {
    for (const r of this.#decided.keys()) if (r <= round) this.#decided.delete(r);
  }

  #decideSlot(round: number, leader: number, higher: readonly Decision[]): Decision {
    if (this.#rules.isDirectlySkipped(this.#view, round, leader)) {
      return { status: "skip", round, via: "direct" };
    }
    const candidates = this.#view.dag.slot(round, leader);
    const block = only(candidates.filter((b) => this.#rules.isDirectlyCommitted(this.#view, b)));
    if (block !== undefined) return { status: "commit", round, block, via: "direct" };
    const anchor = this.#rules.findAnchor(higher, round);
    if (anchor === undefined || anchor.status !== "commit") return { status: "undecided", round };
    const certified = only(
      candidates.filter((b) => this.#rules.isCertifiedInHistory(this.#view, anchor.block, b)),
    );
    return certified === undefined
      ? { status: "skip", round, via: "indirect" }
      : { status: "commit", round, block: certified, via: "indirect" };
  }
}

function only(blocks: readonly DagBlock[]): DagBlock | undefined {
  if (blocks.length > 1) {
    throw new FaultBoundBroken(`two blocks of round ${blocks[0]!.ref.round} are certified`);
  }
  return blocks[0];
}
