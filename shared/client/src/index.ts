export { accountTurns, type Turn } from "./account-turns.ts";
export { blobGateways } from "./blob-gateways.ts";
export { type EmbeddedJob, type EmbedOptions, embed, resume } from "./embed.ts";
export { type BlobRequest, fetchBlob } from "./fetch-blob.ts";
export { GatewayClient, type GatewayHealth, type JobView, type SubmissionOutcome } from "./gateway-client.ts";
export { Http, type HttpOptions } from "./http.ts";
export { JobJournal, type JournalState } from "./job-journal.ts";
export type { JobProgress, JobStage } from "./job-progress.ts";
export { LedgerFollower } from "./ledger-follower.ts";
export {
  type MultiSigAccount,
  type MultiSigDraft,
  MultiSigTransaction,
  multiSigAccount,
} from "./multi-sig.ts";
export {
  prepareTransaction,
  type SignedSubmission,
  type SubmitOptions,
  sendAndWait,
  submit,
  type TransactionTerms,
  transactionTerms,
} from "./submit.ts";
export { formatAmount } from "./tokens.ts";
