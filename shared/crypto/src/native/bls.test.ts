import { PublicKey, SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concatBytes, toHex, utf8 } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aggregateBls, BlsKey, verifyBlsPossession } from "./bls.ts";
import { verifyBls } from "./bls-verifier.ts";

const scheme = bls12_381.longSignatures;
const SIGNATURE_DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const seeds = [1, 2, 3, 4].map((i) => new Uint8Array(32).fill(i));
const keys = seeds.map((seed) => BlsKey.fromSeed(seed));
const publicKeys = keys.map((key) => key.publicKey);
const MESSAGE = utf8("checkpoint");
const infinityKey = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0));
const infinitySignature = Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? 0xc0 : 0));

/** A point of the curve in G1 outside the subgroup, compressed: decodes, and fails the check alone. */
function outsideSubgroup(): Uint8Array {
  for (let x = 1; x < 256; x++) {
    const bytes = new Uint8Array(48);
    bytes[0] = 0x80;
    bytes[47] = x;
    try {
      PublicKey.fromBytes(bytes, false);
    } catch {
      continue;
    }
    expect(() => PublicKey.fromBytes(bytes, true)).toThrow(/group/);
    return bytes;
  }
  throw new Error("none of 255 abscissas is on the curve");
}

describe("BLS", () => {
  test("keys and signatures are those of noble, and each verifies the other's", () => {
    for (const [i, key] of keys.entries()) {
      const secret = SecretKey.fromKeygen(seeds[i]!).toBytes();
      expect(key.publicKey).toEqual(scheme.getPublicKey(secret).toBytes());
      const signature = key.sign(MESSAGE);
      const hashed = scheme.hash(MESSAGE, SIGNATURE_DST);
      expect(toHex(signature)).toBe(toHex(scheme.Signature.toBytes(scheme.sign(hashed, secret))));
      expect(scheme.verify(signature, hashed, key.publicKey)).toBe(true);
      expect(verifyBls([key.publicKey], MESSAGE, signature)).toBe(true);
    }
  });

  test("an aggregate holds for exactly its signers and its message, as noble says too", () => {
    const aggregate = aggregateBls(keys.map((key) => key.sign(MESSAGE)));
    expect(verifyBls(publicKeys, MESSAGE, aggregate)).toBe(true);
    expect(verifyBls([...publicKeys].reverse(), MESSAGE, aggregate)).toBe(true);
    expect(verifyBls(publicKeys.slice(1), MESSAGE, aggregate)).toBe(false);
    expect(verifyBls([...publicKeys, publicKeys[0]!], MESSAGE, aggregate)).toBe(false);
    expect(verifyBls(publicKeys, utf8("other"), aggregate)).toBe(false);
    const sum = scheme.aggregatePublicKeys(publicKeys);
    expect(scheme.verify(aggregate, scheme.hash(MESSAGE, SIGNATURE_DST), sum)).toBe(true);
  });

  test("a key listed twice counts twice", () => {
    const signature = keys[0]!.sign(MESSAGE);
    const twice = aggregateBls([signature, signature]);
    expect(verifyBls([publicKeys[0]!, publicKeys[0]!], MESSAGE, twice)).toBe(true);
    expect(verifyBls([publicKeys[0]!], MESSAGE, twice)).toBe(false);
  });

  test("infinity, keys that cancel, points outside the subgroup and no keys are refused", () => {
    const signature = keys[0]!.sign(MESSAGE);
    const negated = bls12_381.G1.Point.fromBytes(publicKeys[0]!).negate().toBytes();
    expect(verifyBls([], MESSAGE, signature)).toBe(false);
    expect(verifyBls([infinityKey], MESSAGE, infinitySignature)).toBe(false);
    expect(verifyBls([publicKeys[0]!, infinityKey], MESSAGE, signature)).toBe(false);
    expect(verifyBls([publicKeys[0]!, negated], MESSAGE, infinitySignature)).toBe(false);
    expect(verifyBls([publicKeys[0]!], MESSAGE, infinitySignature)).toBe(false);
    expect(verifyBls([outsideSubgroup()], MESSAGE, signature)).toBe(false);
    expect(verifyBls([concatBytes(publicKeys[0]!, publicKeys[0]!)], MESSAGE, signature)).toBe(false);
  });

  test("any bytes get a decision", () => {
    const key = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 48, maxLength: 48 }));
    const signature = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ minLength: 96, maxLength: 96 }),
    );
    fc.assert(
      fc.property(fc.array(key, { maxLength: 4 }), fc.uint8Array(), signature, (some, message, aggregate) => {
        expect(verifyBls([publicKeys[0]!, ...some], message, aggregate)).toBe(false);
        expect(verifyBlsPossession(some[0] ?? new Uint8Array(0), aggregate)).toBe(false);
        expect(verifyBlsPossession(publicKeys[0]!, aggregate)).toBe(false);
      }),
    );
  });

  test("nothing to aggregate, bytes that are no signature, and short seeds throw", () => {
    expect(() => aggregateBls([])).toThrow(RangeError);
    expect(() => aggregateBls([new Uint8Array(96)])).toThrow();
    expect(() => BlsKey.fromSeed(new Uint8Array(31))).toThrow(RangeError);
    expect(BlsKey.generate().publicKey).not.toEqual(BlsKey.generate().publicKey);
  });
});

describe("proof of possession", () => {
  test("holds for its key, again and again, and for no other", () => {
    const proof = keys[0]!.possessionProof();
    expect(verifyBlsPossession(publicKeys[0]!, proof)).toBe(true);
    expect(verifyBlsPossession(publicKeys[0]!, proof)).toBe(true);
    expect(verifyBlsPossession(publicKeys[1]!, proof)).toBe(false);
    expect(verifyBlsPossession(publicKeys[0]!, proof.subarray(1))).toBe(false);
  });

  test("a signature is no proof, and a proof is no signature: the tags differ", () => {
    expect(verifyBlsPossession(publicKeys[0]!, keys[0]!.sign(publicKeys[0]!))).toBe(false);
    expect(verifyBls([publicKeys[0]!], publicKeys[0]!, keys[0]!.possessionProof())).toBe(false);
  });

  test("a rogue key, which cancels the others, forges an aggregate and is why the proof is asked for", () => {
    const { Point } = bls12_381.G1;
    const secret = SecretKey.fromKeygen(seeds[1]!).toBytes();
    const own = scheme.getPublicKey(secret);
    const rogue = own.add(Point.fromBytes(publicKeys[0]!).negate()).toBytes();
    const forged = keys[1]!.sign(MESSAGE);
    expect(verifyBls([publicKeys[0]!, rogue], MESSAGE, forged)).toBe(true);
    expect(verifyBlsPossession(rogue, keys[1]!.possessionProof())).toBe(false);
  });
});
