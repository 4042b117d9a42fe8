export {
  type CompositeInput,
  type CompositeRanks,
  composite,
  doubledRanks,
  midRankPercentile,
  type Ordinal,
  tieLot,
} from "./composite.ts";
export { type CosineKey, compareCosine, cosineKey, displayCosine, nearestByCosine } from "./cosine.ts";
export {
  type DifferentialLoss,
  differentialLoss,
  type ItemEmbeddings,
  type LossGates,
  MAX_LOSS_PPB,
} from "./differential-loss.ts";
export { evaluateJob, MAX_ITEMS } from "./evaluate-job.ts";
export {
  type EncoderEvaluation,
  type EvaluatedEncoder,
  ITEM_VERDICTS,
  type ItemEvaluation,
  type ItemVerdict,
  type JobEvaluation,
  type JobToEvaluate,
  STANDINGS,
  type Standing,
} from "./evaluation.ts";
export { dot, squaredDistance, squaredNorm } from "./geometry.ts";
export {
  localOutlierFactor,
  neighbourCount,
  type OutlierFactors,
  type Point,
} from "./local-outlier-factor.ts";
export {
  applyMask,
  distinctMasks,
  drawMasks,
  MASK_PERCENT,
  MASKS,
  MAX_ELEMENTS,
  MAX_MASKS,
  type MaskModality,
  type MaskRequest,
  maskCount,
} from "./mask.ts";
export { type IntegerStream, type MaskSeed, maskSeedStream } from "./mask-stream.ts";
export {
  type MergedFactors,
  OUTLIER_LIMIT_MICRO,
  type OutlierOptions,
  type OutlierReport,
  outlierFactors,
  outliers,
} from "./outlier.ts";
export {
  PERFORMANCE_JOBS,
  type PerformanceInput,
  type PerformanceRecord,
  performanceSlashing,
} from "./performance.ts";
export { type PoolingInput, type PoolingKind, poolTokens } from "./pooling.ts";
export { type NormBands, normBands, type Rational, spaceGates } from "./space-gates.ts";
export {
  fromVectorBytes,
  isVector,
  MAX_COORDINATE,
  MAX_DIMENSION,
  QUANTA,
  quantise,
  readQuanta,
  vectorBytes,
  vectorOf,
} from "./vector.ts";
export { type WeightOptions, weightedAverage, weights } from "./weight.ts";
