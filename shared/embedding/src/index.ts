export { type CosineKey, compareCosine, cosineKey, displayCosine, nearestByCosine } from "./cosine.ts";
export { dot, squaredDistance, squaredNorm } from "./geometry.ts";
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
export { type PoolingInput, type PoolingKind, poolTokens } from "./pooling.ts";
export {
  fromVectorBytes,
  isVector,
  MAX_COORDINATE,
  MAX_DIMENSION,
  QUANTA,
  quantise,
  vectorBytes,
  vectorOf,
} from "./vector.ts";
