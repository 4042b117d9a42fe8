export { bcs, type InferBcsInput, type InferBcsType } from "@mysten/bcs";
export { decodeExact, encode } from "./exact.ts";
export { byteString, bytes32, hex, i16s, u16, u32, u64, u128 } from "./primitives.ts";
