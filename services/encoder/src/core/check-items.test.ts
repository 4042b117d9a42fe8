import { toHex, utf8 } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { encodeItems } from "@soma/protocol";
import { expect, test } from "vitest";
import { checkItems } from "./check-items.ts";

const items = ["one", "zwei", "三"].map(utf8);
const broken = [utf8("one"), Uint8Array.of(0xff)];
const paidFor = (some: readonly Uint8Array[]) => ({
  dataHash: toHex(merkleRoot(some)),
  sizeBytes: some.reduce((sum, item) => sum + BigInt(item.length), 0n),
  items: some.length,
  modality: 0,
});

test.each([
  ["the items", encodeItems(items), paidFor(items), "ok"],
  ["other items", encodeItems([...items].reverse()), paidFor(items), "HashMismatch"],
  ["no list", Uint8Array.of(9, 9), paidFor(items), "HashMismatch"],
  ["a byte more", Uint8Array.of(...encodeItems(items), 0), paidFor(items), "HashMismatch"],
  ["fewer than paid for", encodeItems(items), { ...paidFor(items), items: 4 }, "SizeMismatch"],
  ["larger than paid for", encodeItems(items), { ...paidFor(items), sizeBytes: 1n }, "SizeMismatch"],
  ["no text", encodeItems(broken), paidFor(broken), "Undecodable"],
  ["no modality of ours", encodeItems(items), { ...paidFor(items), modality: 1 }, "Undecodable"],
] as const)("%s", (_, blob, paid, outcome) => {
  expect(checkItems(blob, paid)).toBe(outcome);
});
