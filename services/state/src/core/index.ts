export {
  type BuiltCheckpoint,
  buildCheckpoint,
  buildCheckpointSliced,
  checkpointDue,
} from "./checkpoint.ts";
export { nextBaseFee, nextPrice } from "./economy.ts";
export {
  accountEntries,
  balanceEntries,
  type EntryNames,
  epochEntry,
  HEAD_ENTRY,
  jobEntry,
  operatorEntries,
  parameterEntries,
  stakeEntries,
} from "./entries-of.ts";
export {
  type CommitInput,
  type ExecutedCommit,
  type ExecutedTransaction,
  executeCommit,
  executeCommitSliced,
  type RecordedEmbeddings,
} from "./execute.ts";
export { applyToJob, jobOf } from "./game/apply.ts";
export type { GameContext, GameEffect, GameStep } from "./game/context.ts";
export { reachDeadline } from "./game/deadline.ts";
export { type Chosen, type Job, JobCodec, type Phase, type SlashCause } from "./game/job.ts";
export { type JobPayment, MAX_FINALS_BYTES, MIN_JOB_ENCODERS, payForJob } from "./game/pay.ts";
export type { StakeView } from "./holdings.ts";
export { type JobStage, jobHistory } from "./job-history.ts";
export { Ledger, type LedgerTools } from "./ledger.ts";
export { LedgerReading } from "./ledger-reading.ts";
export { listEncoders, listValidators } from "./operator-list.ts";
export { type HaltPoint, overrideFits } from "./override.ts";
export type { Head, Role } from "./records.ts";
export { PAID_REFUSALS, UNPAID_REFUSALS } from "./refusals.ts";
export { LEDGER_RULES, type LedgerRules } from "./rules.ts";
export { stakeAfterVotes } from "./slash-votes.ts";
export { decodeSnapshot, encodeSnapshot } from "./snapshot.ts";
export { type Change, KeyedStore, LOCAL_PREFIX } from "./store.ts";
export { type Supply, supplyTotal } from "./supply.ts";
export type { CommitTransaction } from "./transaction.ts";
export {
  applySettlement,
  overrideSettlement,
  type SettledEpoch,
  settlementInput,
  settlementPoint,
} from "./turn-epoch.ts";
