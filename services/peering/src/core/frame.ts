import { concatBytes, err, fromHex, ok, type Result, toHex, u64be, utf8 } from "@soma/base";
import { domain } from "@soma/crypto";
import { type Hex32, MAX_ENVELOPE_BYTES, PEER_MESSAGE_TYPES, type PeerMessageType } from "@soma/protocol";

/** An envelope taken apart without a copy of its body. Same bytes as `EnvelopeCodec`, checked against it in tests. */
export interface Frame {
  readonly sender: Hex32;
  readonly recipient: Hex32;
  readonly type: PeerMessageType;
  readonly sequence: number;
  readonly bodyHash: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly signed: Uint8Array;
}

const SIGNATURE_BYTES = 64;
/** Sender, recipient, type, sequence, body hash. */
const FIXED_BYTES = 32 + 32 + 1 + 8 + 32;

/**
 * Reads an envelope of this chain. Refuses what is not the one encoding of its content. Codes: ENVELOPE_TOO_LARGE,
 * ENVELOPE_MALFORMED, ENVELOPE_CHAIN, ENVELOPE_TYPE, ENVELOPE_SEQUENCE (2^53 and above). Hash and signature are not
 * looked at here.
 */
export function readFrame(bytes: Uint8Array, chainId: string): Result<Frame> {
  if (bytes.length > MAX_ENVELOPE_BYTES) return err("ENVELOPE_TOO_LARGE", `${bytes.length} bytes`);
  const malformed = err<Frame>("ENVELOPE_MALFORMED", "not an envelope");
  const name = readLength(bytes, 0);
  if (name === undefined || name.end + name.value + FIXED_BYTES > bytes.length) return malformed;
  const chain = bytes.subarray(name.end, name.end + name.value);
  const expected = utf8(chainId);
  if (chain.length !== expected.length || !chain.every((byte, i) => byte === expected[i]))
    return err("ENVELOPE_CHAIN", "of another chain");
  let at = name.end + name.value;
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const sender = toHex(take(32));
  const recipient = toHex(take(32));
  const type = PEER_MESSAGE_TYPES[take(1)[0]!];
  const sequence = readSequence(take(8));
  const bodyHash = take(32);
  const header = bytes.subarray(0, at);
  const length = readLength(bytes, at);
  if (length === undefined || length.end + length.value + SIGNATURE_BYTES !== bytes.length) return malformed;
  at = length.end;
  const body = take(length.value);
  const signature = take(SIGNATURE_BYTES);
  if (type === undefined) return err("ENVELOPE_TYPE", "no such message type");
  if (sequence === undefined) return err("ENVELOPE_SEQUENCE", "the sequence is 2^53 or more");
  const signed = concatBytes(domain("soma.envelope", chainId), header);
  return ok({ sender, recipient, type, sequence, bodyHash, body, signature, signed });
}

export interface Draft {
  readonly chainId: string;
  readonly sender: Hex32;
  readonly recipient: Hex32;
  readonly type: PeerMessageType;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** Signs a body into an envelope's bytes. Codes: ENVELOPE_TOO_LARGE. */
export function sealFrame(
  draft: Draft,
  sha256: (bytes: Uint8Array) => Uint8Array,
  sign: (message: Uint8Array) => Uint8Array,
): Result<Uint8Array> {
  const chain = utf8(draft.chainId);
  const header = concatBytes(
    writeLength(chain.length),
    chain,
    fromHex(draft.sender),
    fromHex(draft.recipient),
    Uint8Array.of(PEER_MESSAGE_TYPES.indexOf(draft.type)),
    u64be(draft.sequence).reverse(),
    sha256(draft.body),
  );
  const signature = sign(concatBytes(domain("soma.envelope", draft.chainId), header));
  const bytes = concatBytes(header, writeLength(draft.body.length), draft.body, signature);
  return bytes.length > MAX_ENVELOPE_BYTES
    ? err("ENVELOPE_TOO_LARGE", `${bytes.length} bytes, at most ${MAX_ENVELOPE_BYTES} pass an edge`)
    : ok(bytes);
}

/** BCS lengths: seven bits a byte, lowest first, no superfluous last byte. */
function readLength(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value |= (byte & 127) << (7 * i);
    if (byte < 128) return byte === 0 && i > 0 ? undefined : { value, end: at + i + 1 };
  }
  return undefined;
}

function writeLength(length: number): Uint8Array {
  const out: number[] = [];
  let rest = length;
  for (; rest >= 128; rest >>>= 7) out.push((rest & 127) | 128);
  out.push(rest);
  return Uint8Array.from(out);
}

function readSequence(bytes: Uint8Array): number | undefined {
  let value = 0;
  for (let i = 7; i >= 0; i--) value = value * 256 + bytes[i]!;
  return Number.isSafeInteger(value) ? value : undefined;
}
