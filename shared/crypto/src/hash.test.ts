import { fromHex, toHex, utf8 } from "@soma/base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256, sha256Portable, taggedHash } from "./hash.ts";

test("FIPS 180-4 examples", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(toHex(sha256(utf8("abc")))).toBe(abc);
  expect(toHex(sha256Portable(utf8("a"), utf8("bc")))).toBe(abc);
});

test("the platform's and the portable function agree on any parts", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (parts) => {
      expect(sha256(...parts)).toEqual(sha256Portable(...parts));
    }),
  );
});

test("ARITH-5: tag, 0x00, chain id, 0x00, parts", () => {
  const bytes = fromHex("736f6d612e7800746573740001ff");
  expect(taggedHash("soma.x", "test", Uint8Array.of(1), Uint8Array.of(255))).toEqual(sha256(bytes));
});
