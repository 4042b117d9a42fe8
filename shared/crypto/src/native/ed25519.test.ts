import { ed25519 } from "@noble/curves/ed25519.js";
import { fromHex, toHex } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPrimeOrder, isSmallOrder } from "../ed25519-key.ts";
import { Ed25519Key, verifyEd25519 } from "./ed25519.ts";
import { selfTestEd25519 } from "./ed25519-self-test.ts";
import { ED25519_VECTORS } from "./ed25519-vectors.ts";

// RFC 8032 section 7.1, tests 1 to 3 and SHA(abc): seed, public key, message, signature.
const RFC = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
  [
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  ],
] as const;

const { Point } = ed25519;
const TORSION = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");

describe("Ed25519", () => {
  test.each(RFC)("RFC 8032, seed %s", (seed, publicKey, message, signature) => {
    const key = Ed25519Key.fromSeed(fromHex(seed));
    expect(toHex(key.publicKey)).toBe(publicKey);
    expect(toHex(key.sign(fromHex(message)))).toBe(signature);
    expect(verifyEd25519(key.publicKey, fromHex(message), fromHex(signature))).toBe(true);
  });

  test("agrees with noble on honest signatures, and on each with one bit turned", () => {
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seed, fc.uint8Array({ maxLength: 300 }), fc.nat(511), (secret, message, bit) => {
        const key = Ed25519Key.fromSeed(secret);
        const signature = key.sign(message);
        expect(signature).toEqual(ed25519.sign(message, secret));
        expect(verifyEd25519(key.publicKey, message, signature)).toBe(true);
        signature[bit >> 3]! ^= 1 << (bit & 7);
        expect(verifyEd25519(key.publicKey, message, signature)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  test("any bytes get a decision", () => {
    const any = fc.uint8Array({ maxLength: 100 });
    fc.assert(
      fc.property(any, any, any, (publicKey, message, signature) => {
        expect(verifyEd25519(publicKey, message, signature)).toBe(false);
      }),
    );
  });

  test("generated keys differ; a seed has 32 bytes", () => {
    expect(Ed25519Key.generate().publicKey).not.toEqual(Ed25519Key.generate().publicKey);
    expect(() => Ed25519Key.fromSeed(new Uint8Array(31))).toThrow(RangeError);
  });
});

describe("the start-up test of the verifier", () => {
  test("passes, and holds both decisions", () => {
    expect(() => selfTestEd25519()).not.toThrow();
    expect(ED25519_VECTORS.filter(({ valid }) => valid)).toHaveLength(7);
    expect(ED25519_VECTORS.length).toBeGreaterThan(40);
  });

  test.each([
    ["accepts what fits only times the cofactor", { zip215: true }],
    ["accepts that and refuses odd encodings, as RFC 8032 allows", { zip215: false }],
  ])("stops a verifier that %s", (_, mode) => {
    const other = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
      ed25519.verify(signature, message, publicKey, mode);
    expect(() => selfTestEd25519(other)).toThrow(expect.objectContaining({ code: "CRYPTO_SELF_TEST" }));
  });

  test("every vector that is meant to fit satisfies the cofactored equation, so that its refusal says something", () => {
    for (const { name, publicKey, message, signature } of ED25519_VECTORS) {
      const unfit = /order$|another message|no point|group order$/.test(name);
      const fits = ed25519.verify(fromHex(signature), fromHex(message), fromHex(publicKey), { zip215: true });
      expect([name, fits]).toEqual([name, !unfit]);
    }
  });
});

describe("orders of keys", () => {
  const base = Ed25519Key.fromSeed(new Uint8Array(32).fill(5)).publicKey;
  const point = Point.fromBytes(base);
  const small = Array.from({ length: 8 }, (_, i) => TORSION.multiplyUnsafe(BigInt(i)));
  const oddEncodings = ED25519_VECTORS.filter(({ name }) => name.startsWith("key encoded not canonically"));

  test("small ones, in every encoding", () => {
    for (const p of small) {
      expect(isSmallOrder(p.toBytes())).toBe(true);
      expect(isPrimeOrder(p.toBytes())).toBe(false);
    }
    expect(oddEncodings).toHaveLength(6);
    for (const { publicKey } of oddEncodings) {
      expect(isSmallOrder(fromHex(publicKey))).toBe(true);
      expect(isPrimeOrder(fromHex(publicKey))).toBe(false);
    }
  });

  test("prime and mixed ones", () => {
    expect(isPrimeOrder(base)).toBe(true);
    expect(isSmallOrder(base)).toBe(false);
    for (const p of small.slice(1)) {
      const mixed = point.add(p).toBytes();
      expect(isPrimeOrder(mixed)).toBe(false);
      expect(isSmallOrder(mixed)).toBe(false);
    }
  });

  test("bytes that are no key are neither", () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(31),
      new Uint8Array(33),
      new Uint8Array(32).fill(2, 0, 1),
    ]) {
      expect(isPrimeOrder(bytes)).toBe(false);
      expect(isSmallOrder(bytes)).toBe(false);
    }
  });
});
