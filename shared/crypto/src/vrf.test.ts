import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes, fromHex, toHex } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VrfKey, verifyVrf } from "./native/vrf.ts";
import { vrfProve, vrfVerify } from "./vrf.ts";

// RFC 9381 appendix B.3, examples 16 to 18: secret, public key, alpha, pi, beta.
const EXAMPLES = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
    "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
    "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
    "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
  ],
] as const;

const { Point } = ed25519;
const TORSION = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
const SECRET = new Uint8Array(32).fill(9);
const key = VrfKey.fromSeed(SECRET);
const ORDER_BYTES = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** Both implementations, which must agree on every input. */
function verify(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Uint8Array | null {
  const beta = vrfVerify(publicKey, alpha, proof);
  expect(verifyVrf(publicKey, alpha, proof)).toEqual(beta);
  return beta;
}

const littleEndian = (of: Uint8Array) => of.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);
const sha512 = (...parts: Uint8Array[]) =>
  createHash("sha512")
    .update(concatBytes(...parts))
    .digest();

/** A proof by a prover who adds torsion to Gamma or to the key, and grinds nonces until its challenge suits. */
function forge(
  alpha: Uint8Array,
  torsion: { gamma: typeof TORSION; key: typeof TORSION },
  suits: (c: bigint) => boolean,
): { publicKey: Uint8Array; proof: Uint8Array } {
  const { scalar, point } = ed25519.utils.getExtendedPublicKey(SECRET);
  const publicKey = point.add(torsion.key).toBytes();
  let h = Point.ZERO;
  for (let counter = 0; h.is0(); counter++) {
    try {
      const hash = sha512(Uint8Array.of(3, 1), publicKey, alpha, Uint8Array.of(counter, 0));
      h = Point.fromBytes(hash.subarray(0, 32)).clearCofactor();
    } catch {
      // Not on the curve: the next counter.
    }
  }
  const gamma = h.multiply(scalar).add(torsion.gamma);
  for (let nonce = 1n; ; nonce++) {
    const points = [h, gamma, Point.BASE.multiply(nonce), h.multiply(nonce)].map((p) => p.toBytes());
    const challenge = sha512(Uint8Array.of(3, 2), publicKey, ...points, Uint8Array.of(0)).subarray(0, 16);
    const c = littleEndian(challenge);
    if (!suits(c)) continue;
    const s = Point.Fn.toBytes((nonce + c * scalar) % Point.Fn.ORDER);
    return { publicKey, proof: concatBytes(gamma.toBytes(), challenge, s) };
  }
}

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("ECVRF-EDWARDS25519-SHA512-TAI", () => {
  test.each(EXAMPLES)("example with secret %s", (secret, publicKey, alpha, pi, beta) => {
    const proved = VrfKey.fromSeed(fromHex(secret)).prove(fromHex(alpha));
    expect(toHex(proved.proof)).toBe(pi);
    expect(toHex(proved.beta)).toBe(beta);
    expect(toHex(VrfKey.fromSeed(fromHex(secret)).publicKey)).toBe(publicKey);
    expect(toHex(verify(fromHex(publicKey), fromHex(alpha), fromHex(pi))!)).toBe(beta);
  });

  test("whatever is proved verifies, and nothing else does", () => {
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 80 }), fc.nat(639), (secret, alpha, bit) => {
        const { proof, beta } = vrfProve(secret, alpha);
        const { publicKey } = VrfKey.fromSeed(secret);
        expect(verify(publicKey, alpha, proof)).toEqual(beta);
        expect(verify(publicKey, concatBytes(alpha, Uint8Array.of(0)), proof)).toBeNull();
        expect(verify(key.publicKey, alpha, proof)).toBeNull();
        proof[bit >> 3]! ^= 1 << (bit & 7);
        expect(verify(publicKey, alpha, proof)).toBeNull();
      }),
      { numRuns: 15 },
    );
  });

  test("what was proved here holds for exactly its key, input and proof, again and again", () => {
    const alpha = Uint8Array.of(4, 2);
    const own = key.prove(alpha);
    for (let time = 0; time < 3; time++) {
      const beta = verify(key.publicKey, alpha, own.proof)!;
      expect(beta).toEqual(own.beta);
      // Whoever gets an output may do with it what they like.
      beta.fill(0);
    }
    for (let bit = 0; bit < 640; bit += 7) {
      const proof = Uint8Array.from(own.proof);
      proof[bit >> 3]! ^= 1 << (bit & 7);
      expect(verify(key.publicKey, alpha, proof)).toBeNull();
    }
    expect(verify(key.publicKey, Uint8Array.of(4, 3), own.proof)).toBeNull();
    expect(verify(VrfKey.fromSeed(new Uint8Array(32).fill(8)).publicKey, alpha, own.proof)).toBeNull();
    // More than are remembered.
    for (let i = 0; i < 80; i++) key.prove(Uint8Array.of(i));
    expect(verify(key.publicKey, alpha, own.proof)).toEqual(own.beta);
  });

  test("arbitrary bytes are decided alike and never throw", () => {
    const any = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 80, maxLength: 80 }));
    fc.assert(
      fc.property(fc.oneof(bytes, fc.constant(key.publicKey)), any, any, (publicKey, alpha, proof) => {
        expect(verify(publicKey, alpha, proof)).toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  const { proof } = key.prove(Uint8Array.of(1));
  const zero = new Uint8Array(32);

  test("s plus the group order is refused", () => {
    const shifted = Uint8Array.from(proof);
    let carry = 0;
    for (let i = 0; i < 32; i++) {
      carry += shifted[48 + i]! + ORDER_BYTES[i]!;
      shifted[48 + i] = carry & 255;
      carry >>= 8;
    }
    expect(verify(key.publicKey, Uint8Array.of(1), shifted)).toBeNull();
  });

  test("small-order keys are refused, though a proof for them can be forged", () => {
    for (let i = 0, point = Point.ZERO; i < 8; i++, point = point.add(TORSION)) {
      const small = point.toBytes();
      // With Gamma the identity and c a multiple of 8, U = s B and V = s H whatever the secret.
      for (const gamma of [Point.ZERO.toBytes(), proof.subarray(0, 32)]) {
        expect(verify(small, Uint8Array.of(1), concatBytes(gamma, proof.subarray(32)))).toBeNull();
      }
    }
  });

  test("an identity Gamma, zero scalars, and other encodings of the key are decided alike", () => {
    const identity = Point.ZERO.toBytes();
    const aboveP = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xee : i === 31 ? 0x7f : 0xff));
    for (const gamma of [identity, aboveP, TORSION.toBytes(), proof.subarray(0, 32)]) {
      for (const c of [zero.subarray(0, 16), proof.subarray(32, 48)]) {
        for (const s of [zero, proof.subarray(48)]) {
          for (const publicKey of [key.publicKey, aboveP, zero]) {
            verify(publicKey, Uint8Array.of(1), concatBytes(gamma, c, s));
          }
        }
      }
    }
  });

  test("points of mixed order: what holds by the RFC is accepted by both, with the output of the honest proof", () => {
    const honest = key.prove(Uint8Array.of(1)).beta;
    for (let order = 1; order < 8; order++) {
      const torsion = TORSION.multiplyUnsafe(BigInt(order));
      // c T vanishes for c divisible by 8, and only then for T of order 8.
      const gammaHolds = forge(Uint8Array.of(1), { gamma: torsion, key: Point.ZERO }, (c) => c % 8n === 0n);
      expect(verify(gammaHolds.publicKey, Uint8Array.of(1), gammaHolds.proof)).toEqual(honest);
      const keyHolds = forge(Uint8Array.of(1), { gamma: Point.ZERO, key: torsion }, (c) => c % 8n === 0n);
      expect(verify(keyHolds.publicKey, Uint8Array.of(1), keyHolds.proof)).toHaveLength(64);
      for (const where of [
        { gamma: torsion, key: Point.ZERO },
        { gamma: Point.ZERO, key: torsion },
      ]) {
        const broken = forge(Uint8Array.of(1), where, (c) => c % 2n === 1n);
        expect(verify(broken.publicKey, Uint8Array.of(1), broken.proof)).toBeNull();
      }
    }
  });

  test("the native prover gives the proofs of the one in JavaScript", () => {
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 100 }), (seed, alpha) => {
        expect(VrfKey.fromSeed(seed).prove(alpha)).toEqual(vrfProve(seed, alpha));
      }),
      { numRuns: 60 },
    );
  });

  test("a secret has 32 bytes", () => {
    expect(() => vrfProve(new Uint8Array(31), zero)).toThrow(RangeError);
    expect(() => VrfKey.fromSeed(new Uint8Array(33))).toThrow(RangeError);
  });
});
