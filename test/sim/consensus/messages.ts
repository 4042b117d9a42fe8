import type { OpenedEpoch } from "@soma/consensus/core";
import type { BlockRef, CertifiedCheckpoint, Commit } from "@soma/protocol";

/** Quorum of validators' word that an epoch is open: what a certified hand-over is in the real network (LEDGER-6). */
export interface SimHandover {
  readonly opened: OpenedEpoch;
  /** Commit that closed the epoch before. */
  readonly lastDigest: string;
  readonly voters: readonly string[];
  /** In the whole network's simulation: the certificate, which takes the place of the voters. */
  readonly certificate?: CertifiedCheckpoint;
}

/** What simulated validators send one another; blocks travel as their bytes. */
export type SimMessage =
  | { readonly type: "blocks"; readonly blocks: readonly Uint8Array[] }
  | { readonly type: "fetch-blocks"; readonly epoch: bigint; readonly refs: readonly BlockRef[] }
  | { readonly type: "ask-own-round"; readonly epoch: bigint }
  | {
      readonly type: "own-round";
      readonly epoch: bigint;
      readonly own: Uint8Array | null;
      readonly tip: Uint8Array | null;
    }
  | { readonly type: "fetch-commits"; readonly after: bigint; readonly limit: number }
  | {
      readonly type: "commits";
      readonly commits: readonly Commit[];
      readonly blocks: readonly Uint8Array[];
      readonly proof: readonly Commit[];
      readonly voters: readonly Uint8Array[];
    }
  /** The sender executed the closing commit and signs the next epoch. */
  | {
      readonly type: "handover-vote";
      readonly opened: OpenedEpoch;
      readonly lastDigest: string;
    }
  | { readonly type: "ask-handover"; readonly epoch: bigint }
  | { readonly type: "handover"; readonly handover: SimHandover };
