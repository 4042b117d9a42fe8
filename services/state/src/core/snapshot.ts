import type { Result } from "@soma/base";
import { bcs, byteString, decodeExact, encode } from "@soma/codec";
import { Ledger, type LedgerTools } from "./ledger.ts";

const SnapshotCodec = bcs.vector(bcs.tuple([bcs.string(), byteString]));

/** The whole ledger as bytes, local entries included. */
export function encodeSnapshot(ledger: Ledger): Uint8Array {
  return encode(
    SnapshotCodec,
    [...ledger.entries()].map(([key, value]): [string, Uint8Array] => [key, value]),
  );
}

/** Refusals: CODEC_*, and those of `Ledger.load`. What it holds is trusted only after its digest is compared. */
export function decodeSnapshot(bytes: Uint8Array, tools: LedgerTools, maxBytes: number): Result<Ledger> {
  const entries = decodeExact(SnapshotCodec, bytes, maxBytes);
  if (!entries.ok) return entries;
  return Ledger.load(entries.value, tools);
}
