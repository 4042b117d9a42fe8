import type { Amount } from "@soma/protocol";
import { punishCheckpointFork } from "./checkpoint-fork.ts";
import { punishEquivocation } from "./equivocation.ts";
import { applyToJob } from "./game/apply.ts";
import { reachDeadline } from "./game/deadline.ts";
import { payForJob } from "./game/pay.ts";
import { burn } from "./money.ts";
import type { KeyedStore } from "./store.ts";
import { authorise } from "./transaction.ts";

/**
 * The rules by which a transaction or a deadline changes the ledger, as one record of functions. A ledger runs on
 * `LEDGER_RULES`; the mutation tests hand it a record with one rule replaced, and the seeds must tell.
 */
export interface LedgerRules {
  /** LEDGER-1: who may act, once, and until when. */
  readonly authorise: typeof authorise;
  /** ECON-2: where the base fee goes. */
  readonly burnFee: (store: KeyedStore, fee: Amount) => void;
  /** CONS-13. */
  readonly punishEquivocation: typeof punishEquivocation;
  /** CONS-13. */
  readonly punishCheckpointFork: typeof punishCheckpointFork;
  /** GAME-1. */
  readonly payForJob: typeof payForJob;
  /** GAME-2 to GAME-8: one transaction about a job. */
  readonly applyToJob: typeof applyToJob;
  /** GAME-9: what the passing of a commit does to a job. */
  readonly reachDeadline: typeof reachDeadline;
}

export const LEDGER_RULES: LedgerRules = {
  authorise,
  burnFee: (store, fee) => burn(store, fee, true),
  punishEquivocation,
  punishCheckpointFork,
  payForJob,
  applyToJob,
  reachDeadline,
};
