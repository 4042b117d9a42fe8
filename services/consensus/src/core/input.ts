import type { BlockRef, Commit, EpochInfo, Parameters, ValidatorId } from "@soma/protocol";
import type { CommitBatch } from "./certified-commits.ts";
import type { CommitPoint, SequenceSnapshot } from "./commit-sequence.ts";
import type { OwnRoundAnswer } from "./own-round-recovery.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/**
 * What the signer log (CONS-8) says after a start. `last` is its newest entry: the highest round that this validator
 * may have signed, with the block if the entry is one. `rebuiltIn` is the epoch of a `rebuild-signer-log` effect,
 * kept with the log from then on.
 */
export type SignerLog =
  | {
      readonly status: "intact";
      readonly last: {
        readonly epoch: bigint;
        readonly round: number;
        readonly block: VerifiedBlock | null;
      } | null;
      readonly rebuiltIn: bigint | null;
    }
  | { readonly status: "lost" };

/** An epoch as the ledger opened it, with the parameter table whose digest it names. */
export interface OpenedEpoch {
  readonly info: EpochInfo;
  readonly parameters: Parameters;
}

/** The first input of every run: what storage holds. */
export interface Recovered extends OpenedEpoch {
  readonly kind: "recovered";
  /** Of the last stored commit; where the chain stands for a validator that joins; null before the network's first commit. */
  readonly last: SequenceSnapshot | CommitPoint | null;
  /** Stored commits of this epoch, ascending: at least those whose leader lies above the gc round of `last`. */
  readonly commits: readonly Commit[];
  /** Stored blocks of this epoch, in any order: at least those above that gc round. */
  readonly blocks: readonly VerifiedBlock[];
  readonly signerLog: SignerLog;
}

/**
 * Facts of the past that the core is told. `nowMs` measures intervals and never goes back; `wallMs` is the time of day,
 * which may, and which blocks are stamped with. `from` names the operator that the transport proved. */
export type ConsensusInput = { readonly nowMs: number; readonly wallMs: number } & (
  | Recovered
  /** CONS-10: quorum signatures opened the next epoch. Deferred until its predecessor's last commit is here. */
  | ({ readonly kind: "epoch-opened" } & OpenedEpoch)
  /** Blocks that passed `openBlock` for their epoch: broadcast, or fetched by `fetch-blocks`. */
  | {
      readonly kind: "blocks-received";
      readonly from: ValidatorId;
      readonly blocks: readonly VerifiedBlock[];
    }
  /** The answer to `propose`: signed, written to the signer log and synced. */
  | { readonly kind: "own-block-signed"; readonly block: VerifiedBlock }
  /** Transactions for own blocks, admitted by this operator. Deferred as a whole when the queue is full. */
  | { readonly kind: "transactions-available"; readonly transactions: readonly Uint8Array[] }
  /** The moment of `set-timer` has come; harmless at any other. */
  | { readonly kind: "tick" }
  | {
      readonly kind: "blocks-requested";
      readonly from: ValidatorId;
      readonly epoch: bigint;
      readonly refs: readonly BlockRef[];
    }
  | { readonly kind: "own-round-requested"; readonly from: ValidatorId; readonly epoch: bigint }
  /** Blocks in it have passed `openBlock`. */
  | ({
      readonly kind: "own-round-reported";
      readonly from: ValidatorId;
      readonly epoch: bigint;
    } & OwnRoundAnswer)
  | {
      readonly kind: "commits-requested";
      readonly from: ValidatorId;
      readonly after: bigint;
      readonly limit: number;
    }
  /** The answer to `fetch-commits`; `voters` have passed `openBlock`, `blocks` need only decode. */
  | ({ readonly kind: "commits-received"; readonly from: ValidatorId } & CommitBatch)
  /** A certified checkpoint or hand-over names this commit (LEDGER-5, LEDGER-6): a target for one that lags. */
  | ({ readonly kind: "commit-certified"; readonly epoch: bigint } & CommitPoint)
);
