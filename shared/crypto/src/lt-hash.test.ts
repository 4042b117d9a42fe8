import { createHash } from "node:crypto";
import { toHex, utf8 } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LtHash } from "./lt-hash.ts";
import { ltExpandNative } from "./native/shake128.ts";

const entries = fc.uniqueArray(
  fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 300 })),
  {
    maxLength: 12,
    selector: ([key]) => toHex(key),
  },
);

function of(set: readonly (readonly [Uint8Array, Uint8Array])[], chainId = "test"): LtHash {
  const hash = LtHash.empty(chainId);
  for (const [key, value] of set) hash.add(key, value);
  return hash;
}

describe("the state digest of LEDGER-5", () => {
  test("golden digests, by Python's hashlib", () => {
    expect(toHex(LtHash.empty("test").digest())).toBe(
      "3f2744c550c8629085f68cbd2db24d7725928857532f98e57c7b508abf1ed9e3",
    );
    const two = of([
      [utf8("a"), utf8("one")],
      [utf8("b"), utf8("")],
    ]);
    expect(toHex(two.digest())).toBe("f8271d521a8081c457aaf61c0a30ced9dc35c23bfeb1a19d611d334a273af4f7");
  });

  test("does not depend on the order, and removing undoes adding", () => {
    fc.assert(
      fc.property(entries, entries, (set, others) => {
        const digest = of(set).digest();
        expect(of([...set].reverse()).digest()).toEqual(digest);
        const hash = of([...others, ...set]);
        if (others.length > 0) expect(hash.digest()).not.toEqual(digest);
        for (const [key, value] of others) hash.remove(key, value);
        expect(hash.digest()).toEqual(digest);
      }),
      { numRuns: 30 },
    );
  });

  test("one value may stand under several keys, long ago or just now", () => {
    const value = utf8("the same object");
    const hash = LtHash.empty("test", ltExpandNative);
    hash.add(utf8("old"), value);
    for (let i = 0; i < 5_000; i++) hash.add(utf8(`key ${i}`), Uint8Array.of(i & 255));
    hash.add(utf8("new"), value);
    hash.remove(utf8("old"), value);
    hash.remove(utf8("new"), value);
    for (let i = 0; i < 5_000; i++) hash.remove(utf8(`key ${i}`), Uint8Array.of(i & 255));
    expect(hash.digest()).toEqual(LtHash.empty("test").digest());
  });

  test("the native SHAKE128 gives the same lanes, and bytes carry them over", () => {
    fc.assert(
      fc.property(entries, (set) => {
        const native = LtHash.empty("test", ltExpandNative);
        for (const [key, value] of set) native.add(key, value);
        const bytes = of(set).toBytes();
        expect(native.toBytes()).toEqual(bytes);
        const again = LtHash.fromBytes("test", bytes);
        if (!again.ok) throw new Error(again.code);
        expect(again.value.digest()).toEqual(native.digest());
      }),
      { numRuns: 30 },
    );
  });

  test("a byte that moves between key and value, a second copy, another chain: each is another set", () => {
    const digests = [
      of([[utf8("ab"), utf8("c")]]),
      of([[utf8("a"), utf8("bc")]]),
      of([
        [utf8("ab"), utf8("c")],
        [utf8("ab"), utf8("c")],
      ]),
      of([[utf8("ab"), utf8("c")]], "other"),
    ].map((hash) => toHex(hash.digest()));
    expect(new Set(digests).size).toBe(4);
  });

  test("a clone goes its own way", () => {
    const hash = of([[utf8("a"), utf8("1")]]);
    const before = toHex(hash.digest());
    hash.clone().add(utf8("b"), utf8("2"));
    expect(toHex(hash.digest())).toBe(before);
  });

  test.each([0, 2047, 2049])("%i bytes are no LtHash", (length) => {
    expect(LtHash.fromBytes("test", new Uint8Array(length))).toMatchObject({
      ok: false,
      code: "LT_HASH_WIDTH",
    });
  });

  test("lanes are little endian", () => {
    const pre = Buffer.concat([
      Buffer.from("soma.state.entry\0test\0"),
      Buffer.from([0, 0, 0, 1]),
      Buffer.from("kv"),
    ]);
    const squeezed = createHash("shake128", { outputLength: 2048 }).update(pre).digest();
    expect(Buffer.from(of([[utf8("k"), utf8("v")]]).toBytes()).equals(squeezed)).toBe(true);
  });
});
