import { TOKEN } from "./ids.ts";

interface Row<T> {
  /** Value at genesis of a production network. */
  readonly default: T;
  /** Value of the laptop's network, where it differs. */
  readonly devnet?: T;
  readonly min: T;
  readonly max: T;
  /** Rule that uses it. */
  readonly rule: string;
  readonly unit: string;
}

function row<T extends bigint | number>(
  rule: string,
  unit: string,
  value: T,
  min: T,
  max: T,
  devnet?: T,
): Row<T> {
  return devnet === undefined
    ? { default: value, min, max, rule, unit }
    : { default: value, devnet, min, max, rule, unit };
}

/**
 * PARAMS: the one table of governance parameters. Docs, genesis and governance are made from it. Fractions
 * are written in the unit they are given.
 */
export const PARAMETER_TABLE = {
  embeddingDimension: row("SPACE-1", "dimensions", 256, 8, 2048),
  masks: row("MASK-2", "masks", 8, 2, 32),
  maxTokens: row("MASK-1", "tokens", 4096, 16, 65536),
  jobsPerCommit: row("GAME-1, ADR 0023", "jobs", 64, 1, 4_096),
  jobItems: row("GAME", "items", 1024, 1, 4096),
  epochLength: row("CONS-10", "ms", 86_400_000n, 5_000n, 604_800_000n, 60_000n),
  minRoundDelay: row("CONS-7", "ms", 50, 1, 5_000),
  leaderTimeout: row("CONS-7", "ms", 200, 10, 60_000),
  restDelay: row("CONS-7, ADR 0028", "ms", 200, 1, 60_000),
  scheduleCommits: row("CONS-7", "commits", 300, 3, 100_000),
  scheduleBadStakePercent: row("CONS-7", "%", 30, 0, 33),
  gcDepth: row("CONS-5", "rounds", 60, 3, 10_000),
  commitBatch: row("CONS-9", "commits", 100, 1, 10_000),
  checkpointInterval: row("LEDGER-5", "ms", 1_000n, 50n, 60_000n, 200n),
  checkpointCommits: row("LEDGER-5", "commits", 16, 1, 1_000, 4),
  shardQuorumTenths: row("SHARD-1", "tenths", 8, 7, 9),
  shardDelay: row("SHARD-3", "commits", 3, 1, 100),
  shardAttempts: row("SHARD-3", "attempts", 3, 1, 10),
  selectTimeout: row("GAME-9", "commits", 600, 10, 100_000, 200),
  revealTimeout: row("GAME-9", "commits", 300, 10, 100_000),
  proofTimeout: row("GAME-9", "commits", 300, 10, 100_000),
  refundFeeBps: row("GAME-9", "bps", 500, 0, 5_000),
  badDataShareBps: row("GAME-9", "bps", 1_000, 0, 5_000),
  jobBurnBps: row("ECON-3", "bps", 500, 0, 5_000),
  emissionFraction: row(
    "ECON-1",
    "of remaining, over 2^128, an epoch",
    214597812230836260612044078501977615n,
    0n,
    1n << 127n,
    149073237034620216021942978668848n,
  ),
  supplyCap: row("ECON-1", "base units", 1_000_000n * TOKEN, TOKEN, 1_000_000_000n * TOKEN),
  emissionValidatorsBps: row("ECON-3", "bps", 3_000, 0, 10_000),
  emissionInclusionBps: row("ECON-3", "bps", 1_000, 0, 10_000),
  emissionEmbeddingBps: row("ECON-3", "bps", 3_500, 0, 10_000),
  emissionCuriosityBps: row("ECON-3", "bps", 1_000, 0, 10_000),
  emissionTargetsBps: row("ECON-3", "bps", 1_500, 0, 10_000),
  feeMin: row("ECON-2", "base units", 1n, 0n, TOKEN),
  feeInitial: row("ECON-2", "base units", 1_000n, 0n, TOKEN),
  feeMax: row("ECON-2", "base units", TOKEN, 1n, 1_000n * TOKEN),
  burnTargetBps: row("ECON-2", "bps of circulating a year", 500, 0, 10_000),
  minValidatorStake: row("ECON-6", "base units", 100n * TOKEN, 1n, 1_000_000n * TOKEN),
  minEncoderStake: row("ECON-6", "base units", 10n * TOKEN, 1n, 1_000_000n * TOKEN),
  committeeSeats: row("ECON-6, ADR 0023", "validators", 100, 1, 128),
  rosterSeats: row("ECON-6, ADR 0023", "encoders", 2_048, 4, 4_096),
  minDelegation: row("ECON-6, ADR 0023", "base units", TOKEN / 10n, 1n, 1_000n * TOKEN),
  unbondingEpochs: row("ECON-6", "epochs", 3, 1, 100),
  slashPerformanceBps: row("ECON-8", "bps", 10, 0, 10_000),
  slashUnselectedBps: row("ECON-8", "bps", 20, 0, 10_000),
  slashRevealBps: row("ECON-8", "bps", 500, 0, 10_000),
  slashOptOutCommitBps: row("ECON-8", "bps", 1_000, 0, 10_000),
  slashNoSignatureBps: row("ECON-8", "bps", 1_000, 0, 10_000),
  slashEquivocationBps: row("CONS-13", "bps", 1_000, 0, 10_000),
  slashVotesBps: row("ECON-7", "bps an epoch", 500, 0, 10_000),
  evidenceShareBps: row("ECON-8", "bps", 500, 0, 10_000),
  performanceMinJobs: row("SCORE-2", "jobs", 20, 1, 100_000),
  anchorCosineBps: row("SPACE-1", "bps", 5_000, 0, 10_000),
} as const satisfies Record<string, Row<bigint> | Row<number>>;

export type ParameterName = keyof typeof PARAMETER_TABLE;

type Widen<T> = T extends bigint ? bigint : number;
/** The values in force, one a row of the table. */
export type Parameters = { readonly [N in ParameterName]: Widen<(typeof PARAMETER_TABLE)[N]["default"]> };
