import { bcs, byteString, u32, u64 } from "@soma/codec";
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
  voters: bcs.vector(byteString),
});

/** Largest body that these make: what an envelope carries, less its frame. */
export const MAX_BODY_BYTES = 1024 * 1024 - 1024;
/** Room left for votes and refs beside the blocks of a commit response. */
export const BATCH_BYTES = 700 * 1024;
