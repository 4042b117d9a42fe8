export { bcsPayload, rawPayload } from "./bcs-payload.ts";
export {
  COMMIT_PART_BYTES,
  CommitDecided,
  type CommitPart,
  CommitStream,
  ConsensusStatus,
  ReplayCommits,
} from "./consensus.ts";
export { DeadLetter, DeadLetterStream } from "./dead-letter.ts";
export {
  type CoreMessage,
  createRegistry,
  type Delivery,
  defineMessage,
  defineStream,
  type Message,
  type MessageSpec,
  type Payload,
  type Registry,
  type Reply,
  type RequestMessage,
  registry,
  type StreamDefinition,
  type StreamMessage,
  type StreamSpec,
} from "./define.ts";
export {
  EpochProven,
  INLINE_VECTORS_BYTES,
  InferenceCompleted,
  InferenceRequested,
  InferenceStream,
} from "./encoder.ts";
export { amount, decimal, hex32, hexBytes, millis, u32 } from "./fields.ts";
export {
  checkpointEvent,
  commitEvent,
  EVENT_PAGE,
  GetParameters,
  JOB_STATES,
  jobEvent,
  ListCheckpoints,
  ListCommits,
  ListEncoders,
  ListEpochs,
  ListEvents,
  ListJobs,
  ListTransactions,
  ListValidators,
  transactionEvent,
} from "./history.ts";
export {
  GetAdmission,
  MEMPOOL_PARTITIONS,
  MempoolReplica,
  partitionOfSender,
  partitionOfTransaction,
  SUBMISSION_LIMITS,
  type Submission,
  SubmitTransactions,
  TakeBatch,
} from "./mempool.ts";
export { DraftOverride, type HaltView, OPERATOR, StateStatus, SubmitOverride } from "./override.ts";
export { type BinaryCodec, type PayloadCodec, payloadCodec } from "./payload.ts";
export { AdmitPeer, EdgeDown, EdgeUp, ListPeers, PeerMessageReceived, SendToPeer } from "./peering.ts";
export { inboxPrefix, type NatsPermissions } from "./permissions.ts";
export {
  ClassifyByPool,
  GetLeadingDimensions,
  GetPool,
  MAX_LABEL_EXAMPLES,
  MAX_RECOMMENDATION_EXAMPLES,
  type PoolPoint,
  RecommendFromPool,
  SearchPool,
} from "./pool.ts";
export {
  GetCheckpoint,
  GetCommitLeaf,
  GetHandovers,
  GetLedgerUpdate,
  GetTransaction,
  type ProvenLeaf,
  ProvenLeafCodec,
} from "./proofs.ts";
export { EmbeddingsRecorded, GetEmbeddings, ListEmbeddings } from "./recorded-embeddings.ts";
export { MAX_SETTLEMENT_INPUT_BYTES, SettleEpoch } from "./rewards.ts";
export { EvaluationFailed, EvaluationRequested, EvaluationStream, JobEvaluated } from "./scorer.ts";
export { GetShard, GetSizing } from "./shard-selection.ts";
export { STANDING } from "./standing.ts";
export {
  CheckpointCertified,
  CommitExecuted,
  EpochOpened,
  GetAccount,
  GetBalances,
  GetEpoch,
  GetHead,
  GetJob,
  ListOperators,
  MAX_BALANCES,
} from "./state.ts";
export { type Space, type Tokens, token } from "./subject.ts";
export { TAP } from "./tap.ts";
