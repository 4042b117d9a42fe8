import type { SignatureVerifier } from "@soma/crypto";
import { type BlockRef, epochInfoDigest, genesisBlockRef, type ValidatorId } from "@soma/protocol";
import type { ConsensusBounds } from "./bounds.ts";
import type { OpenedEpoch } from "./input.ts";
import type { ConsensusRules } from "./rules.ts";
import { type Committee, committeeOf, type Support } from "./support.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** What a core is made with. */
export interface ConsensusOptions {
  readonly chainId: string;
  readonly self: ValidatorId;
  readonly verifier: Pick<SignatureVerifier, "vrf">;
  readonly rules: ConsensusRules;
  readonly bounds: ConsensusBounds;
}

/** An epoch's constants, derived once. */
export interface EpochContext extends ConsensusOptions, OpenedEpoch {
  readonly epoch: bigint;
  readonly committee: Committee;
  readonly support: () => Support;
  /** Own author index, -1 for a validator outside the committee, who follows and proposes nothing. */
  readonly selfIndex: number;
  /** The unsigned blocks of round 0, by author. */
  readonly genesis: readonly VerifiedBlock[];
}

export function epochContext(options: ConsensusOptions, opened: OpenedEpoch): EpochContext {
  const { info } = opened;
  const committee = committeeOf(
    info.committee.map(({ stake }) => stake),
    options.rules.quorum,
  );
  return {
    ...options,
    ...opened,
    epoch: info.epoch,
    committee,
    support: () => options.rules.support(committee.stakes),
    selfIndex: info.committee.findIndex(({ validator }) => validator === options.self),
    genesis: genesisRefs(options.chainId, opened).map((ref) => genesisBlock(ref, opened)),
  };
}

/** References of round 0 by author: bound to everything that the epoch is made of. */
export function genesisRefs(chainId: string, { info }: Pick<OpenedEpoch, "info">): BlockRef[] {
  const digest = epochInfoDigest(chainId, info);
  return info.committee.map((_, author) => genesisBlockRef(chainId, info.epoch, digest, author));
}

/** Timestamp of a genesis block: the epoch's start, so that the first commit's median is not before it (CONS-6). */
function genesisBlock(ref: BlockRef, { info }: OpenedEpoch): VerifiedBlock {
  const body = {
    epoch: info.epoch,
    round: 0,
    author: ref.author,
    timestampMs: info.startTimestampMs,
    ancestors: [],
    transactions: [],
    commitVotes: [],
    vrfProof: new Uint8Array(0),
  };
  return { ref, body, bytes: new Uint8Array(0) };
}
