export {
  type AccountPolicy,
  type Authenticator,
  AuthenticatorCodec,
  addressOf,
  addressOfEd25519,
  MAX_MULTISIG_KEYS,
} from "./account.ts";
export { verifyAuthenticator } from "./authenticate.ts";
export {
  BLOCK_LIMITS,
  type BlockBody,
  BlockBodyCodec,
  type BlockHeader,
  BlockHeaderCodec,
  type BlockRef,
  BlockRefCodec,
  blockDigest,
  blockHeader,
  blockSigningBytes,
  type CommitVote,
  decodeSignedBlock,
  decodeSignedHeader,
  encodeSignedBlock,
  encodeSignedHeader,
  genesisBlockRef,
  headerSigningBytes,
  type SignedBlock,
  SignedBlockCodec,
  type SignedHeader,
} from "./block.ts";
export { bitmapIndices, bitmapOf, verifyCertificate } from "./certificate.ts";
export {
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  type Checkpoint,
  CheckpointCodec,
  type CheckpointLeaf,
  CheckpointLeafCodec,
  type CheckpointLeafInput,
  type CommitLeaf,
  checkpointDigest,
  checkpointSigningBytes,
  type EpochHandover,
  EpochHandoverCodec,
  type JobOutcome,
  JobOutcomeCodec,
  type JobOutcomeInput,
  type LedgerEvent,
  LedgerEventCodec,
  type LedgerEventInput,
  type TransactionLeaf,
} from "./checkpoint.ts";
export { type Commit, CommitCodec, commitDigest, NO_COMMIT } from "./commit.ts";
export {
  type Envelope,
  EnvelopeCodec,
  type EnvelopeHeader,
  EVERYBODY,
  encodeEnvelope,
  envelopeSigningBytes,
  MAX_ENVELOPE_BYTES,
  openEnvelope,
  PEER_MESSAGE_TYPES,
  type PeerMessageType,
} from "./envelope.ts";
export {
  type CommitteeMember,
  CommitteeMemberCodec,
  type EpochInfo,
  EpochInfoCodec,
  epochInfoDigest,
  quorumStake,
  type RosterEntry,
  RosterEntryCodec,
} from "./epoch.ts";
export {
  type EncoderScore,
  type EvaluationResult,
  EvaluationResultCodec,
  evaluationDigest,
  evaluationSigningBytes,
} from "./evaluation-result.ts";
export {
  decodeGenesis,
  encodeGenesis,
  type Genesis,
  GenesisCodec,
  genesisDigest,
  genesisEpoch,
  genesisParameters,
  stableAsk,
} from "./genesis.ts";
export type { Address, Amount, Digest, EncoderId, Hex32, JobId, ValidatorId } from "./ids.ts";
export { TOKEN } from "./ids.ts";
export {
  type EvaluatedReveals,
  evaluateReveals,
  type ItemMaskRequest,
  itemMasks,
  maxBlobBytes,
  type RevealedJob,
} from "./job-evaluation.ts";
export {
  type Bundle,
  BundleCodec,
  type CommitMessage,
  commitHash,
  dataCommitment,
  type EmbeddingBlob,
  EmbeddingBlobCodec,
  EvaluatedSetCodec,
  embeddingDigest,
  evaluatedSetDigest,
  type JobReceipt,
  jobSigningBytes,
  type Offer,
  OfferCodec,
  type Reveal,
  type Selection,
  SelectionCodec,
  type SignedCommit,
  SignedCommitCodec,
  type SignedEvaluation,
  SignedEvaluationCodec,
  type SignedOptOut,
  SignedOptOutCodec,
  type SignedReceipt,
  SignedReceiptCodec,
  type SignedReveal,
  SignedRevealCodec,
  type SignedUnavailable,
  SignedUnavailableCodec,
  selectionDigest,
  type Unavailable,
} from "./job-messages.ts";
export {
  decodeItems,
  decodeJobMessage,
  encodeItems,
  encodeJobMessage,
  type JobMessage,
  JobMessageCodec,
  type JobMessageInput,
  MAX_ITEMS_BYTES,
  MAX_JOB_MESSAGE_BYTES,
  type RelayedJobMessage,
  RelayedJobMessageCodec,
} from "./job-relay.ts";
export {
  type JobChange,
  JobTracker,
  TRACKED_JOBS,
  type TrackedJob,
  type TrackedSelection,
  type TrackerDeps,
} from "./job-tracker.ts";
export {
  type ForkEvidence,
  type LeafClaim,
  LIGHT_CLIENT_CHECKPOINTS,
  LIGHT_CLIENT_EPOCHS,
  LightClient,
} from "./light-client.ts";
export {
  type LeafProof,
  LeafProofCodec,
  provenFact,
  provenLeaf,
  type VerifiedDeadline,
  type VerifiedFact,
  type VerifiedTransaction,
} from "./light-client-fact.ts";
export {
  applyUpdate,
  buildLedgerUpdates,
  concernsJob,
  decodeLedgerUpdate,
  encodeLedgerUpdate,
  type LedgerUpdate,
  LedgerUpdateCodec,
  MAX_LEDGER_UPDATE_BYTES,
  type UpdateSource,
  type VerifiedFacts,
  wantsJobs,
} from "./light-client-update.ts";
export { MODALITIES, type Modality, modalityNumber, modalityOf } from "./modality.ts";
export { PARAMETER_TABLE, type ParameterName, type Parameters } from "./parameter-table.ts";
export { formatParameters, initialParameters, parametersDigest, parseParameters } from "./parameters.ts";
export {
  RECEIPT_STAGES,
  type ReceiptDeps,
  type ReceiptStage,
  type VerifiedReceipt,
  verifyReceipt,
} from "./receipt.ts";
export {
  decodeReceipt,
  encodeReceipt,
  MAX_RECEIPT_BYTES,
  RECEIPT_EXTENSION,
  type Receipt,
  ReceiptCodec,
  type ReceiptContent,
  type ReceiptFact,
  type ReceiptLink,
  ReceiptLinkCodec,
  type ReceiptReveal,
} from "./receipt-format.ts";
export type { ReceiptFactName } from "./receipt-ledger.ts";
export type { ProofSigners, Tokenise } from "./receipt-result.ts";
export {
  type Settlement,
  SettlementCodec,
  type SettlementInput,
  SettlementInputCodec,
  settlementDigest,
  settlementInputDigest,
} from "./settlement.ts";
export {
  drawCommit,
  drawShard,
  modalityRoster,
  type Shard,
  type ShardDraw,
  shardDigest,
} from "./shard-draw.ts";
export {
  type Ask,
  AskCodec,
  decodeSignedTransaction,
  encodeSignedTransaction,
  MAX_TRANSACTION_BYTES,
  type SignedTransaction,
  SignedTransactionCodec,
  type SignedTransactionInput,
  type Transaction,
  TransactionCodec,
  type TransactionInput,
  type TransactionKind,
  type TransactionKindInput,
  transactionDigest,
  transactionSigningBytes,
} from "./transaction.ts";
