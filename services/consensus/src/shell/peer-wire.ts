import { bcs, byteString, bytes32, u16, u32, u64 } from "@soma/codec";
import { BlockRefCodec, CommitCodec } from "@soma/protocol";

// Bodies of the envelopes that validators' consensus services exchange. A `block` is its signed bytes alone.

export const BlockRequestCodec = bcs.struct("BlockRequest", { epoch: u64, refs: bcs.vector(BlockRefCodec) });
export const BlockResponseCodec = bcs.struct("BlockResponse", { epoch: u64, blocks: bcs.vector(byteString) });
export const OwnRoundRequestCodec = bcs.struct("OwnRoundRequest", { epoch: u64 });
export const OwnRoundResponseCodec = bcs.struct("OwnRoundResponse", {
  epoch: u64,
  own: bcs.option(byteString),
  tip: bcs.option(byteString),
});
export const CommitRequestCodec = bcs.struct("CommitRequest", { after: u64, limit: u32 });
export const CommitResponseCodec = bcs.struct("CommitResponse", {
  commits: bcs.vector(CommitCodec),
  blocks: bcs.vector(byteString),
  proof: bcs.vector(CommitCodec),
  voters: bcs.vector(byteString),
});
/** One commit may hold more blocks than an envelope, and so do its voters: a response travels in parts. */
export const CommitResponsePartCodec = bcs.struct("CommitResponsePart", {
  after: u64,
  /** SHA-256 of the whole response: tells the parts of two responses apart. */
  response: bytes32,
  part: u16,
  parts: u16,
  bytes: byteString,
});
export type CommitResponsePart = typeof CommitResponsePartCodec.$inferType;

/** Largest body that these make: what an envelope carries, less its frame. */
export const MAX_BODY_BYTES = 1024 * 1024 - 1024;
/** Of the blocks in one block response. */
export const BATCH_BYTES = 700 * 1024;
export const PART_BYTES = 900 * 1024;
/** Largest commit response that is sent or put together; less than waits for one peer in peering. */
export const MAX_RESPONSE_BYTES = 24 * PART_BYTES;
/** Of the blocks in one commit response, unless its first commit alone has more. */
export const RESPONSE_BLOCK_BYTES = 4 * 1024 * 1024;
