import { toHex, utf8 } from "@soma/base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256, taggedHash } from "./hash.ts";
import { sha256Native } from "./native/sha256.ts";

test("SHA-256 of FIPS 180-4, and the native one alike", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(toHex(sha256(utf8("a"), utf8("bc")))).toBe(abc);
  expect(toHex(sha256Native(utf8("abc")))).toBe(abc);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(sha256Native(bytes)).toEqual(sha256(bytes));
    }),
  );
});

test("ARITH-5: tag, zero, chain id, zero, parts", () => {
  expect(taggedHash("soma.a", "test", utf8("x"))).toEqual(sha256(utf8("soma.a\0test\0x")));
  expect(taggedHash("soma.a", "testx")).not.toEqual(taggedHash("soma.a", "test", utf8("x")));
});
