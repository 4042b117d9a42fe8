import { bcs, bytes32, u32, u64 } from "@soma/codec";
import { CertifiedCheckpointCodec } from "@soma/protocol";

// Bodies of the envelopes that validators' state services exchange.

export const CheckpointSignatureCodec = bcs.struct("CheckpointSignature", {
  sequence: u64,
  digest: bytes32,
  signer: bytes32,
  /** BLS over `checkpointSigningBytes`. */
  signature: bcs.bytes(96),
});
export type CheckpointSignature = typeof CheckpointSignatureCodec.$inferType;

/** Asks for certified checkpoints from a sequence number on. */
export const CheckpointRequestCodec = bcs.struct("CheckpointRequest", { from: u64, limit: u32 });

/** Certified checkpoints, ascending without gaps. */
export const CheckpointResponseCodec = bcs.struct("CheckpointResponse", {
  checkpoints: bcs.vector(CertifiedCheckpointCodec),
});

export const MAX_SIGNATURE_BYTES = 1024;
export const MAX_REQUEST_BYTES = 64;
/** Certificates in one answer. */
export const MAX_CERTIFICATES = 256;
export const MAX_RESPONSE_BYTES = 700 * 1024;
