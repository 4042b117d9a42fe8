export { LeaderSchedule, type LeaderScheduleOptions, swapTable } from "./leader-schedule.ts";
export {
  compareRational,
  formatRational,
  parseDecimal,
  type Rational,
  rational,
  toNumber,
} from "./rational.ts";
export {
  beaconAlpha,
  epochSeed,
  genesisBeacon,
  jobSeed,
  leaderSeed,
  nextBeacon,
  shardSeed,
  tieKey,
} from "./seeds.ts";
export {
  type Rounding,
  type ShardSize,
  type ShardSizeQuestion,
  type StableSize,
  seatsAgainst,
  shardSeats,
  shardSize,
} from "./shard-size.ts";
export { MAX_SHARD, quorumOf } from "./tail-bound.ts";
export { binomialTail, hypergeometricTail, MAX_ENCODERS } from "./tails.ts";
export {
  type Candidate,
  MAX_CANDIDATES,
  MAX_DRAWS,
  sampleSeats,
  sampleWeighted,
  WeightedSampler,
} from "./weighted-sampler.ts";
