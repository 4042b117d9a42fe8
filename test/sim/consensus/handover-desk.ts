import type { OpenedEpoch, StoredCommit } from "@soma/consensus/core";
import type { SimHandover } from "./messages.ts";
import { handoverDigest, nextEpoch } from "./sim-chain.ts";

/** What a desk asks of its validator. */
export interface HandoverDeskHost {
  readonly genesis: OpenedEpoch;
  handover(epoch: bigint): SimHandover | undefined;
}

/** Gathers a committee's word on the next epoch, as certified checkpoints and hand-overs do (CONS-10, LEDGER-6). */
export class HandoverDesk {
  readonly #host: HandoverDeskHost;
  readonly #votes = new Map<string, Set<string>>();

  constructor(host: HandoverDeskHost) {
    this.#host = host;
  }

  opened(epoch: bigint): OpenedEpoch {
    return epoch === 0n ? this.#host.genesis : this.#host.handover(epoch)!.opened;
  }

  /** The epoch after a closing commit, to be voted for. */
  after(closing: StoredCommit): OpenedEpoch {
    return nextEpoch(this.opened(closing.commit.epoch), closing);
  }

  /** Counts a vote; returns the votes so far for the same epoch after the same commit. */
  vote(voter: string, opened: OpenedEpoch, lastDigest: string): SimHandover {
    const name = `${opened.info.epoch}/${handoverDigest(opened, lastDigest)}`;
    const voters = this.#votes.get(name) ?? new Set<string>();
    this.#votes.set(name, voters);
    voters.add(voter);
    return { opened, lastDigest, voters: [...voters] };
  }

  /** Whether quorum stake of the committee before it signed the hand-over, for one who is in the epoch before it. */
  isCertified({ opened, voters }: SimHandover): boolean {
    const { committee } = this.opened(opened.info.epoch - 1n).info;
    const total = committee.reduce((sum, { stake }) => sum + stake, 0n);
    const signed = committee.filter(({ validator }) => voters.includes(validator));
    return 3n * signed.reduce((sum, { stake }) => sum + stake, 0n) > 2n * total;
  }
}
