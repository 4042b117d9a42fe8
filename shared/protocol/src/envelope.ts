import { concatBytes, err, ok, type Result, toHex } from "@soma/base";
import { bcs, byteString, bytes32, decodeExact, encode, u64 } from "@soma/codec";
import { domain, type SignatureVerifier, sha256 } from "@soma/crypto";
import type { Hex32 } from "./ids.ts";

/** What may cross between operators. Order is wire format: append only. */
export const PEER_MESSAGE_TYPES = [
  "canary",
  "block",
  "block-request",
  "block-response",
  "own-round-request",
  "own-round-response",
  "commit-request",
  "commit-response",
  "checkpoint-signature",
  "checkpoint-request",
  "checkpoint-response",
  "ledger-update",
  "ledger-request",
  "job-message",
  "override",
  "override-request",
] as const;
export type PeerMessageType = (typeof PEER_MESSAGE_TYPES)[number];

/** Largest envelope on the wire; the edge servers' max_payload. */
export const MAX_ENVELOPE_BYTES = 1024 * 1024;

export const EnvelopeHeaderCodec = bcs.struct("EnvelopeHeader", {
  chainId: bcs.string(),
  /** Operator that speaks: a validator or encoder id. */
  sender: bytes32,
  /** Operator addressed, or 32 zero bytes for everybody who may read the type. */
  recipient: bytes32,
  type: bcs.u8(),
  /** Rises with every envelope of the sender; a reader drops what it has seen. */
  sequence: u64,
  bodyHash: bytes32,
});
export type EnvelopeHeader = typeof EnvelopeHeaderCodec.$inferType;

export const EnvelopeCodec = bcs.struct("Envelope", {
  header: EnvelopeHeaderCodec,
  body: byteString,
  signature: bcs.bytes(64),
});
/** Everything between operators travels in one of these: signed by its author, relayed by anybody. */
export type Envelope = typeof EnvelopeCodec.$inferType;

export const EVERYBODY: Hex32 = "00".repeat(32);

export function envelopeSigningBytes(header: EnvelopeHeader): Uint8Array {
  return concatBytes(domain("soma.envelope", header.chainId), encode(EnvelopeHeaderCodec, header));
}

export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return encode(EnvelopeCodec, envelope);
}

/**
 * Decodes and checks chain, type, body hash and signature under the sender's key. `keyOf` gives the
 * Ed25519 key that the ledger's roster holds for an operator, undefined for a stranger.
 */
export function openEnvelope(
  bytes: Uint8Array,
  chainId: string,
  keyOf: (operator: Hex32) => Uint8Array | undefined,
  verifier: SignatureVerifier,
): Result<{ envelope: Envelope; type: PeerMessageType }> {
  const decoded = decodeExact(EnvelopeCodec, bytes, MAX_ENVELOPE_BYTES);
  if (!decoded.ok) return decoded;
  const { header, body, signature } = decoded.value;
  if (header.chainId !== chainId) return err("ENVELOPE_CHAIN", `of chain ${header.chainId}`);
  const type = PEER_MESSAGE_TYPES[header.type];
  if (type === undefined) return err("ENVELOPE_TYPE", `no message type ${header.type}`);
  const key = keyOf(header.sender);
  if (key === undefined) return err("ENVELOPE_STRANGER", "the sender is not on the roster");
  if (toHex(sha256(body)) !== header.bodyHash)
    return err("ENVELOPE_BODY", "the body does not match its hash");
  if (!verifier.ed25519(key, envelopeSigningBytes(header), signature)) {
    return err("ENVELOPE_SIGNATURE", "the signature does not verify");
  }
  return ok({ envelope: decoded.value, type });
}
