import { concatBytes, toHex } from "@soma/base";
import { bcs, bytes32, encode, u32, u64 } from "@soma/codec";
import { domain, taggedHash } from "@soma/crypto";
import type { Digest } from "./ids.ts";

export const EncoderScoreCodec = bcs.struct("EncoderScore", {
  encoder: bytes32,
  /** Differential loss, parts per 10^9 (DIFF-1). */
  lossPpb: u64,
  /** Local outlier factor, parts per 10^6 (OUTLIER-1). */
  lofMicro: u64,
  /** SCORE-1; lower is better. */
  composite: u64,
  disqualified: bcs.bool(),
});
/** What the evaluation says of one encoder in one job. */
export type EncoderScore = typeof EncoderScoreCodec.$inferType;

export const EvaluationResultCodec = bcs.struct("EvaluationResult", {
  job: bytes32,
  /** Digest of the selection that is on the ledger. */
  selection: bytes32,
  /** Digest of the evaluated set: the bundle's or GAME-6's fallback. */
  bundle: bytes32,
  /** Ascending by encoder id; exactly the evaluated set. */
  scores: bcs.vector(EncoderScoreCodec),
  /** None when all are disqualified (GAME-9). */
  winner: bcs.option(bytes32),
  /** MERKLE-1 root over each item's final vector (int16 little endian); leaf i is item i. */
  finalsRoot: bytes32,
  items: u32,
});
/** GAME-7: what every honest encoder computes from the same reveals, byte for byte. */
export type EvaluationResult = typeof EvaluationResultCodec.$inferType;

/** Bytes that encoders sign with BLS: domain "soma.evaluation", then the result. */
export function evaluationSigningBytes(chainId: string, result: EvaluationResult): Uint8Array {
  return concatBytes(domain("soma.evaluation", chainId), encode(EvaluationResultCodec, result));
}

export function evaluationDigest(chainId: string, result: EvaluationResult): Digest {
  return toHex(taggedHash("soma.evaluation.id", chainId, encode(EvaluationResultCodec, result)));
}
