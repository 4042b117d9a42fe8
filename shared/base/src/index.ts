export { assertNever, invariant } from "./assert.ts";
export {
  bytesEqual,
  compareBytes,
  compareHex,
  concatBytes,
  fromHex,
  hexOf,
  isHex,
  latinOf,
  putHex,
  toHex,
  u32be,
  u64be,
  utf8,
} from "./bytes.ts";
export { type ErrorCode, SomaError } from "./error.ts";
export { ceilDiv, floorDiv, isqrt, maxBig, minBig, roundHalfEven } from "./integer.ts";
export { err, ok, type Result } from "./result.ts";
export { Rng } from "./rng.ts";
export { atOnce, type Sliced } from "./sliced.ts";
