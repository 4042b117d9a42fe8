import type { DagStore } from "./dag-store.ts";
import type { ConsensusRules } from "./rules.ts";
import type { Committee } from "./support.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** A peer's answer: the asker's newest own block that it knows, and the newest block that it signed itself. */
export interface OwnRoundAnswer {
  readonly own: VerifiedBlock | null;
  readonly tip: VerifiedBlock | null;
}

/**
 * CONS-8 for a validator whose signer log is lost or doubtful: it signs nothing until quorum stake, itself not
 * counted, told it its newest own block. An answer counts once the blocks in it are accepted (or below the gc
 * round), so that rounds cannot be made up; a peer may answer again.
 *
 * Beyond the reported own blocks, the floor covers one that is still on its way: its round is at most one above the
 * newest round signed by those who answered (see `ownRoundFloor`).
 */
export class OwnRoundRecovery {
  readonly #self: number;
  readonly #committee: Committee;
  readonly #rules: ConsensusRules;
  readonly #answers = new Map<number, OwnRoundAnswer>();

  constructor(self: number, committee: Committee, rules: ConsensusRules) {
    this.#self = self;
    this.#committee = committee;
    this.#rules = rules;
  }

  /** Peers who have not answered yet, or whose answer does not count yet. */
  unanswered(dag: DagStore, gcRound: number): number[] {
    const peers = [...this.#committee.stakes.keys()].filter((author) => author !== this.#self);
    return peers.filter((author) => !this.#counts(this.#answers.get(author), dag, gcRound));
  }

  /** Keeps the latest answer of a peer; what is not about these two authors is worth nothing. */
  answered(peer: number, answer: OwnRoundAnswer): boolean {
    const { own, tip } = answer;
    if (peer === this.#self || this.#committee.stakes[peer] === undefined) return false;
    if (own !== null && own.ref.author !== this.#self) return false;
    if (tip !== null && tip.ref.author !== peer) return false;
    this.#answers.set(peer, answer);
    return true;
  }

  /** The floor, once quorum stake has answered; else null. */
  floor(dag: DagStore, gcRound: number): number | null {
    let stake = 0n;
    let floor = 0;
    for (const [peer, answer] of this.#answers) {
      if (!this.#counts(answer, dag, gcRound)) continue;
      stake += this.#committee.stakes[peer]!;
      floor = Math.max(
        floor,
        this.#rules.ownRoundFloor(answer.own?.ref.round ?? 0, answer.tip?.ref.round ?? 0),
      );
    }
    return stake >= this.#rules.ownRoundQuorum(this.#committee) ? floor : null;
  }

  /** The newest own block that any answer holds. */
  newestOwn(): VerifiedBlock | null {
    let newest: VerifiedBlock | null = null;
    for (const { own } of this.#answers.values()) {
      if (own !== null && !(newest !== null && newest.ref.round >= own.ref.round)) newest = own;
    }
    return newest;
  }

  #counts(answer: OwnRoundAnswer | undefined, dag: DagStore, gcRound: number): boolean {
    if (answer === undefined) return false;
    const blocks = [answer.own, answer.tip].filter((block) => block !== null);
    return blocks.every(({ ref }) => ref.round <= gcRound || dag.get(ref.digest) !== undefined);
  }
}
