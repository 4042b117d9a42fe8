import { bcs, byteString, decodeExact, encode } from "@soma/codec";

const PackedCodec = bcs.vector(byteString);
/** Beyond any row that is written. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Signed transactions as one row holds them. */
export function packTransactions(transactions: readonly Uint8Array[]): Buffer {
  return Buffer.from(encode(PackedCodec, [...transactions]));
}

/** The inverse. @throws Error for bytes that were not so made: the database is damaged */
export function unpackTransactions(packed: Uint8Array): Uint8Array[] {
  const unpacked = decodeExact(PackedCodec, packed, MAX_BYTES);
  if (!unpacked.ok) throw new Error(`a batch of waiting transactions: ${unpacked.message}`);
  return unpacked.value;
}
