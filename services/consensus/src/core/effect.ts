import type { BlockBody, BlockRef, ValidatorId } from "@soma/protocol";
import type { CommittedSubDag, SequenceSnapshot } from "./commit-sequence.ts";
import type { CertifiedCommit } from "./commit-votes.ts";
import type { OwnRoundAnswer } from "./own-round-recovery.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** A commit with what must be stored beside it, in one transaction. */
export interface StoredCommit extends CommittedSubDag {
  readonly snapshot: SequenceSnapshot;
}

/**
 * What the shell carries out, in the order given; the effects of one step before those of the next. After a write
 * error nothing more may leave: the process stops (CONS-8).
 */
export type ConsensusEffect =
  /** One transaction: accepted blocks, then commits with their snapshots. Before anything after it leaves. */
  | {
      readonly kind: "persist";
      readonly blocks: readonly VerifiedBlock[];
      readonly commits: readonly StoredCommit[];
    }
  /** For the executor, which checks index and previous digest. A restart may repeat one. */
  | ({ readonly kind: "deliver-commit" } & CommittedSubDag)
  /** Keep beside the commit, for `serve-commits` (CONS-9). */
  | { readonly kind: "store-certificate"; readonly certificate: CertifiedCommit }
  /**
   * Fill in the VRF proof over `beaconAlpha(chain, epoch, round)` if `provesLeadership`, sign, append the block to the
   * signer log, sync; then feed `own-block-signed`. Nothing else may show the block to anybody.
   */
  | { readonly kind: "propose"; readonly body: BlockBody; readonly provesLeadership: boolean }
  /** To every other validator of the epoch. Repeated while rounds stand still. */
  | { readonly kind: "broadcast"; readonly block: VerifiedBlock }
  | {
      readonly kind: "fetch-blocks";
      readonly to: ValidatorId;
      readonly epoch: bigint;
      readonly refs: readonly BlockRef[];
    }
  /** `stored`: asked for, not in memory; send those that storage has. */
  | {
      readonly kind: "serve-blocks";
      readonly to: ValidatorId;
      readonly epoch: bigint;
      readonly blocks: readonly VerifiedBlock[];
      readonly stored: readonly BlockRef[];
    }
  | { readonly kind: "ask-own-round"; readonly to: readonly ValidatorId[]; readonly epoch: bigint }
  | ({
      readonly kind: "report-own-round";
      readonly to: ValidatorId;
      readonly epoch: bigint;
    } & OwnRoundAnswer)
  /** Begin a new signer log with this entry, synced: nothing at or below `floor` is ever signed (CONS-8). */
  | { readonly kind: "rebuild-signer-log"; readonly epoch: bigint; readonly floor: number }
  | {
      readonly kind: "fetch-commits";
      readonly to: ValidatorId;
      readonly after: bigint;
      readonly limit: number;
    }
  /**
   * From storage: at most `limit` commits of one epoch after `after` with their blocks; then, without blocks, those that
   * follow (`proof`) up to the first that has a certificate or is the epoch's last, and the certificate's voters.
   */
  | {
      readonly kind: "serve-commits";
      readonly to: ValidatorId;
      readonly after: bigint;
      readonly limit: number;
    }
  /** Feed `tick` at this moment; replaces the timer set before. */
  | { readonly kind: "set-timer"; readonly atMs: number }
  /** CONS-13: two signed blocks of one slot, once an author and epoch. */
  | {
      readonly kind: "report-equivocation";
      readonly first: VerifiedBlock;
      readonly second: VerifiedBlock;
    }
  /** An own block left the DAG uncommitted: its transactions may be offered again. */
  | { readonly kind: "return-transactions"; readonly block: VerifiedBlock }
  /** Stop the process: going on could break safety. */
  | { readonly kind: "fatal"; readonly code: FatalCode; readonly message: string };

export type FatalCode =
  /** A block of an own slot that this process did not make: two instances sign with one key. */
  | "CONSENSUS_SECOND_INSTANCE"
  /** A quorum certified another commit than the own one of that index. */
  | "CONSENSUS_DIVERGED"
  /** Two blocks of one slot are certified: more than a third of the stake is faulty. */
  | "CONSENSUS_FAULT_BOUND";
