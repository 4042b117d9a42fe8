import { fromHex, invariant, toHex } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import {
  type Commit,
  commitDigest,
  type Digest,
  type EpochInfo,
  type Hex32,
  type Parameters,
} from "@soma/protocol";
import { beaconAlpha, LeaderSchedule, nextBeacon } from "@soma/sampling";
import type { LeaderSource } from "./committer.ts";
import type { DagStore } from "./dag-store.ts";
import type { OrderedSubDag } from "./ordering.ts";
import { creditVotes } from "./reputation.ts";
import type { ConsensusRules } from "./rules.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** A position in the commit chain: where a commit's `previous` points. */
export interface CommitPoint {
  readonly index: bigint;
  readonly digest: Digest;
}

/** All that the commits so far leave behind for the next one; stored with each commit, in the same transaction. */
export interface SequenceSnapshot extends CommitPoint {
  readonly epoch: bigint;
  readonly timestampMs: bigint;
  readonly leaderRound: number;
  readonly beacon: Hex32;
  /** CONS-10: this commit closed the epoch. */
  readonly closed: boolean;
  /** Scores that the present swap table follows from; null before the first. */
  readonly scheduleScores: readonly bigint[] | null;
  /** Scores gathered for the next one, over `scoredCommits` commits. */
  readonly scores: readonly bigint[];
  readonly scoredCommits: number;
}

/** A commit as the executor gets it. */
export interface CommittedSubDag {
  readonly commit: Commit;
  readonly digest: Digest;
  /** beacon(commit) (RAND-1). */
  readonly beacon: Hex32;
  /** The blocks that `commit.blocks` names, in that order. */
  readonly blocks: readonly VerifiedBlock[];
  readonly closesEpoch: boolean;
}

/** RAND-1 where the leader block carries no valid proof: a fixed output, so that a bad proof is worth no more than none. */
const NO_VRF_OUTPUT = new Uint8Array(64);

export interface CommitSequenceOptions {
  readonly chainId: string;
  readonly info: EpochInfo;
  readonly parameters: Parameters;
  readonly rules: ConsensusRules;
  readonly verifier: Pick<SignatureVerifier, "vrf">;
  readonly dag: DagStore;
  /** Of this epoch, or of the last commit before it. */
  readonly previous: CommitPoint | SequenceSnapshot;
}

/** Gives sub-DAGs their place in the commit chain, with beacon, leader schedule and the epoch's end. */
export class CommitSequence {
  readonly #options: CommitSequenceOptions;
  readonly #stakes: readonly bigint[];
  readonly #leaders = new Map<number, Digest>();
  #snapshot: SequenceSnapshot;
  #schedule: LeaderSource;

  constructor(options: CommitSequenceOptions) {
    this.#options = options;
    const { info, previous } = options;
    this.#stakes = info.committee.map(({ stake }) => stake);
    this.#snapshot =
      "epoch" in previous && previous.epoch === info.epoch
        ? previous
        : {
            epoch: info.epoch,
            index: info.lastCommit,
            digest: previous.digest,
            timestampMs: info.startTimestampMs,
            leaderRound: 0,
            beacon: info.seed,
            closed: false,
            scheduleScores: null,
            scores: this.#stakes.map(() => 0n),
            scoredCommits: 0,
          };
    this.#schedule = this.#makeSchedule();
  }

  get snapshot(): SequenceSnapshot {
    return this.#snapshot;
  }

  get leaders(): LeaderSource {
    return this.#schedule;
  }

  /** A commit that was stored before a restart: its leader counts for scores. */
  recall(commit: Commit): void {
    this.#leaders.set(commit.leader.round, commit.leader.digest);
  }

  /** Appends one sub-DAG. `scheduleChanged` tells that the swap table is a new one from the next round on. */
  append(ordered: OrderedSubDag): { readonly committed: CommittedSubDag; readonly scheduleChanged: boolean } {
    const { chainId, info, parameters, rules, dag } = this.#options;
    invariant(!this.#snapshot.closed, "no commit follows the one that closes the epoch");
    const last = this.#snapshot;
    const { leader, blocks, timestampMs, gcRound } = ordered;
    const commit: Commit = {
      epoch: info.epoch,
      index: last.index + 1n,
      previous: last.digest,
      timestampMs,
      leader: leader.ref,
      blocks: blocks.map(({ ref }) => ref),
    };
    const digest = commitDigest(chainId, commit);
    const beacon = toHex(nextBeacon(chainId, fromHex(last.beacon), this.#vrfOutput(leader.block)));
    this.#leaders.set(leader.ref.round, leader.ref.digest);
    const scores = [...last.scores];
    creditVotes(scores, { dag, subDag: blocks, leaders: this.#leaders, gcRound, stakes: this.#stakes });
    for (const round of this.#leaders.keys()) if (round <= gcRound) this.#leaders.delete(round);
    const scheduleChanged = last.scoredCommits + 1 >= parameters.scheduleCommits;
    const closed = rules.closesEpoch(timestampMs, info.startTimestampMs, parameters.epochLength);
    this.#snapshot = {
      epoch: info.epoch,
      index: commit.index,
      digest,
      timestampMs,
      leaderRound: leader.ref.round,
      beacon,
      closed,
      scheduleScores: scheduleChanged ? scores : last.scheduleScores,
      scores: scheduleChanged ? scores.map(() => 0n) : scores,
      scoredCommits: scheduleChanged ? 0 : last.scoredCommits + 1,
    };
    if (scheduleChanged) this.#schedule = this.#makeSchedule();
    return {
      committed: { commit, digest, beacon, blocks: blocks.map(({ block }) => block), closesEpoch: closed },
      scheduleChanged,
    };
  }

  #vrfOutput(leader: VerifiedBlock): Uint8Array {
    const { chainId, info, verifier } = this.#options;
    const { round, author, vrfProof } = leader.body;
    if (vrfProof.length === 0) return NO_VRF_OUTPUT;
    const key = info.committee[author]!.vrfKey;
    return verifier.vrf(key, beaconAlpha(chainId, info.epoch, round), vrfProof) ?? NO_VRF_OUTPUT;
  }

  #makeSchedule(): LeaderSource {
    const { chainId, info, parameters } = this.#options;
    const schedule = LeaderSchedule.of({
      badStakePercent: parameters.scheduleBadStakePercent,
      chainId,
      epochSeed: fromHex(info.seed),
      committee: info.committee.map(({ validator, stake }) => ({ id: validator, stake })),
      ...(this.#snapshot.scheduleScores === null ? {} : { scores: this.#snapshot.scheduleScores }),
    });
    invariant(schedule.ok, "an opened epoch has a committee with stake");
    return remembering(schedule.value);
  }
}

const REMEMBERED_ROUNDS = 256;

/** Draws each round's leader once: the committer asks for the same few rounds after every block. */
function remembering(schedule: LeaderSource): LeaderSource {
  const drawn: number[] = [];
  const drawnFor: number[] = [];
  return {
    leader(round) {
      const known = drawn[round % REMEMBERED_ROUNDS];
      if (known !== undefined && drawnFor[round % REMEMBERED_ROUNDS] === round) return known;
      const leader = schedule.leader(round);
      drawn[round % REMEMBERED_ROUNDS] = leader;
      drawnFor[round % REMEMBERED_ROUNDS] = round;
      return leader;
    },
  };
}
