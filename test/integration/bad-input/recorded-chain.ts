import { toHex, utf8 } from "@soma/base";
import type { CommitPart } from "@soma/contracts";
import { sha256 } from "@soma/crypto";
import { type Commit, commitDigest } from "@soma/protocol";
import type { CommitTransaction, ExecutedCommit } from "@soma/state/core";
import { beaconOf, CHAIN_ID, TestChain } from "../../sim/game/test-chain.ts";
import { CommitChain } from "../state/chain.ts";

const more = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

/** A game that is played on the pure ledger, with its commits kept, so that a real service can execute them again. */
export class RecordedChain extends TestChain {
  readonly recorded: { readonly commit: Commit; readonly transactions: readonly CommitTransaction[] }[] = [];
  /** How many transactions were refused, by code. */
  readonly refusals = new Map<string, number>();
  /** How many operators were slashed, by cause. */
  readonly slashes = new Map<string, number>();
  /** How many jobs ended, by outcome. */
  readonly outcomes = new Map<string, number>();

  override commit(transactions: readonly CommitTransaction[] = [], elapsedMs?: bigint): ExecutedCommit {
    const before = this.ledger.head;
    const executed = super.commit(transactions, elapsedMs);
    const { head } = this.ledger;
    const commit: Commit = {
      epoch: before.epoch,
      index: head.commit,
      previous: before.commitDigest,
      timestampMs: head.timestampMs,
      leader: {
        round: Number(head.commit),
        author: 0,
        digest: toHex(sha256(utf8(`block ${head.commit}`))),
      },
      blocks: [],
    };
    if (commitDigest(CHAIN_ID, commit) !== head.commitDigest) throw new Error("another commit was recorded");
    this.recorded.push({ commit, transactions });
    for (const { refusal } of executed.transactions) if (refusal !== "") more(this.refusals, refusal);
    for (const { code } of executed.dropped) more(this.refusals, code);
    for (const event of executed.events) {
      if ("Slashed" in event) more(this.slashes, event.Slashed.cause);
      if ("JobClosed" in event) more(this.outcomes, Object.keys(event.JobClosed.outcome)[0]!);
    }
    return executed;
  }

  /** The same commits as a consensus sends them. */
  asCommits(): CommitChain {
    const { recorded } = this;
    const ids = this.genesis.validators.map(({ validator }) => validator);
    class Replayed extends CommitChain {
      override parts(index: bigint): CommitPart[] {
        const { commit, transactions } = recorded[Number(index) - 1]!;
        const carried = transactions.map(({ bytes, author }) => ({ author: ids.indexOf(author), bytes }));
        const digest = commitDigest(CHAIN_ID, commit);
        return [{ commit, digest, beacon: beaconOf(index), part: 0, parts: 1, transactions: carried }];
      }
    }
    const chain = new Replayed();
    for (const { commit, transactions } of recorded) {
      chain.commits.push({
        commit,
        digest: commitDigest(CHAIN_ID, commit),
        transactions: transactions.map(({ bytes }) => bytes),
      });
    }
    return chain;
  }
}
