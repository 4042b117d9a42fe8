export { bcs } from "./bcs.ts";
export { BcsType } from "./bcs-type.ts";
export { type Codec, decodeExact, encode } from "./exact.ts";
export { byteString, bytes32, hex, i16s, u16, u32, u64, u128 } from "./primitives.ts";
export type { Reader } from "./reader.ts";
