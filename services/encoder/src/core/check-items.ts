import { toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { type Digest, decodeItems, modalityOf } from "@soma/protocol";
import type { FetchOutcome } from "./input.ts";

// Every platform that this runs on has it; cores compile without Node's types.
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean },
) => { decode(bytes: Uint8Array): string };

/** What was paid for. */
export interface PaidItems {
  readonly dataHash: Digest;
  readonly sizeBytes: bigint;
  readonly items: number;
  readonly modality: number;
}

/**
 * GAME-2: whether a blob is the items that the data hash names, as many and as large as was paid for, and in a
 * form that the modality can be read from. A blob that is no list of items is not the data hash's: its address
 * was signed by nobody.
 */
export function checkItems(blob: Uint8Array, paid: PaidItems): Exclude<FetchOutcome, "Unavailable"> {
  const items = decodeItems(blob);
  if (!items.ok || toHex(merkleRoot(items.value)) !== paid.dataHash) return "HashMismatch";
  const size = items.value.reduce((sum, item) => sum + BigInt(item.length), 0n);
  if (items.value.length !== paid.items || size !== paid.sizeBytes) return "SizeMismatch";
  if (modalityOf(paid.modality) !== "text") return "Undecodable";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (const item of items.value) decoder.decode(item);
    return "ok";
  } catch {
    return "Undecodable";
  }
}
