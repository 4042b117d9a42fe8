import type { Genesis, Parameters } from "@soma/protocol";
import type { LedgerRules } from "@soma/state/core";
import type { SimNetwork } from "@soma/testkit/sim";
import type { SimWorld } from "../consensus/validator-process.ts";
import type { Actor } from "./actors.ts";
import type { Auditor } from "./auditor.ts";
import type { CheckedTransactions } from "./checked-transactions.ts";
import type { NetworkCoverage } from "./coverage.ts";
import type { NetworkMessage } from "./messages.ts";
import type { ReleaseFault } from "./release-fault.ts";

/** What a mutant changes; everything absent is as the protocol has it. */
export interface Deviation {
  readonly ledgerRules?: Partial<LedgerRules>;
  /** Transactions count as signed, whatever their signature. */
  readonly signaturesUnchecked?: boolean;
  /** Encoders and clients take any certificate for good (LEDGER-6). */
  readonly trustsValidators?: boolean;
  /** A restarted encoder does not know what it committed to. */
  readonly forgetsCommits?: boolean;
  /** Encoders reveal with their commit. */
  readonly revealsAtOnce?: boolean;
  /** An override counts whoever signed it. */
  readonly overridesUnchecked?: boolean;
}

/** What all actors of one run share. */
export interface NetworkWorld extends SimWorld {
  /** The other messages of the same links; partitions and conditions are those of `network`. */
  readonly links: SimNetwork<NetworkMessage>;
  readonly file: Genesis;
  readonly parameters: Parameters;
  readonly auditor: Auditor;
  readonly coverage: NetworkCoverage;
  readonly checked: CheckedTransactions;
  readonly deviation: Deviation;
  /** What is wrong with everybody's release. */
  readonly fault: ReleaseFault | null;
  readonly actorOf: (address: string) => Actor;
}
