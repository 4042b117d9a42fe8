export {
  type BlockContext,
  type BlockFault,
  BlockOpener,
  decodeCertifiedBlock,
  verifyBlock,
} from "./block-verification.ts";
export { CONSENSUS_BOUNDS, type ConsensusBounds } from "./bounds.ts";
export type { CommitBatch } from "./certified-commits.ts";
export type { CommitPoint, CommittedSubDag, SequenceSnapshot } from "./commit-sequence.ts";
export { medianTimestamp } from "./commit-timestamp.ts";
export type { CertifiedCommit } from "./commit-votes.ts";
export { checkBlock, clockRounds, decide, quorum, type VerifyBlockInput } from "./conformance.ts";
export type { ConsensusCounters } from "./counters.ts";
export { type DagBlock, DagStore } from "./dag-store.ts";
export {
  type Decision,
  type DecisionView,
  findAnchor,
  isCertificate,
  isCertifiedInHistory,
  isDirectlyCommitted,
  isDirectlySkipped,
} from "./decision-rules.ts";
export type { ConsensusEffect, FatalCode, StoredCommit } from "./effect.ts";
export { genesisRefs } from "./epoch-context.ts";
export type { ConsensusInput, OpenedEpoch, Recovered, SignerLog } from "./input.ts";
export type { OwnRoundAnswer } from "./own-round-recovery.ts";
export { CONSENSUS_RULES, type ConsensusRules } from "./rules.ts";
export {
  type DecideInput,
  type DecideOutput,
  type ScenarioBlock,
  ScenarioRun,
  scenarioBlocks,
} from "./scenario.ts";
export { ConsensusState, type CoreOptions } from "./state.ts";
export { step } from "./step.ts";
export { type Committee, committeeOf, distinctAuthors, type Support } from "./support.ts";
export type { VerifiedBlock } from "./verified-block.ts";
