import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesEqual, concatBytes } from "@soma/base";

// ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381 section 5.5. Names and steps are the RFC's.
const SUITE = 0x03;
const END = Uint8Array.of(0x00);
const ENCODE_FRONT = Uint8Array.of(SUITE, 0x01);
const CHALLENGE_FRONT = Uint8Array.of(SUITE, 0x02);
const PROOF_FRONT = Uint8Array.of(SUITE, 0x03);

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const ORDER = Point.Fn.ORDER;

function littleEndian(bytes: Uint8Array): bigint {
  let n = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(bytes[i]!);
  return n;
}

function toLittleEndian(n: bigint, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0, rest = n; i < length; i++, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

/** string_to_point: the decoding of RFC 8032 section 5.1.3, which refuses y >= p; null if it is no point. */
function decodePoint(bytes: Uint8Array): Point | null {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return null;
  }
}

/** ECVRF_encode_to_curve_try_and_increment; null in the 2^-256 case that no counter gives a point. */
function encodeToCurve(publicKey: Uint8Array, alpha: Uint8Array): Point | null {
  for (let counter = 0; counter < 256; counter++) {
    const hash = sha512(concatBytes(ENCODE_FRONT, publicKey, alpha, Uint8Array.of(counter), END));
    const point = decodePoint(hash.subarray(0, 32))?.clearCofactor();
    if (point !== undefined && !point.is0()) return point;
  }
  return null;
}

/** ECVRF_challenge_generation over five encoded points: the first 16 bytes of a SHA-512. */
function challenge(...points: readonly Uint8Array[]): Uint8Array {
  return sha512(concatBytes(CHALLENGE_FRONT, ...points, END)).subarray(0, 16);
}

/** ECVRF_proof_to_hash for a Gamma of known validity. */
function outputOf(gamma: Point): Uint8Array {
  return sha512(concatBytes(PROOF_FRONT, gamma.clearCofactor().toBytes(), END));
}

/**
 * Proves the VRF of `alpha` under the Ed25519 seed `secret` (32 bytes): an 80-byte proof and its 64-byte
 * output (RAND-1). Deterministic; not constant-time, as no JavaScript is.
 * @throws RangeError unless `secret` has 32 bytes.
 */
export function vrfProve(secret: Uint8Array, alpha: Uint8Array): { proof: Uint8Array; beta: Uint8Array } {
  if (secret.length !== 32) throw new RangeError("a VRF secret has 32 bytes");
  const { scalar, prefix, pointBytes: publicKey } = ed25519.utils.getExtendedPublicKey(secret);
  const h = encodeToCurve(publicKey, alpha);
  if (h === null) throw new RangeError("alpha cannot be encoded to the curve");
  const encodedH = h.toBytes();
  const gamma = h.multiply(scalar);
  const nonce = littleEndian(sha512(concatBytes(prefix, encodedH))) % ORDER;
  const u = Point.BASE.multiply(nonce).toBytes();
  const v = h.multiply(nonce).toBytes();
  const c = challenge(publicKey, encodedH, gamma.toBytes(), u, v);
  const s = (nonce + littleEndian(c) * scalar) % ORDER;
  return { proof: concatBytes(gamma.toBytes(), c, toLittleEndian(s, 32)), beta: outputOf(gamma) };
}

/**
 * The 64-byte VRF output that `proof` (80 bytes) proves for `alpha`, or null: for a wrong width, an encoding
 * that is not canonical, a key of small order (validate_key), or a proof that does not hold.
 */
export function vrfVerify(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Uint8Array | null {
  if (publicKey.length !== 32 || proof.length !== 80) return null;
  const y = decodePoint(publicKey);
  const gamma = decodePoint(proof.subarray(0, 32));
  const c = proof.subarray(32, 48);
  const s = littleEndian(proof.subarray(48));
  if (y === null || y.isSmallOrder() || gamma === null || s >= ORDER) return null;
  const h = encodeToCurve(publicKey, alpha);
  if (h === null) return null;
  const scalarC = littleEndian(c);
  const u = Point.BASE.multiplyUnsafe(s).subtract(y.multiplyUnsafe(scalarC));
  const v = h.multiplyUnsafe(s).subtract(gamma.multiplyUnsafe(scalarC));
  const expected = challenge(publicKey, h.toBytes(), gamma.toBytes(), u.toBytes(), v.toBytes());
  return bytesEqual(c, expected) ? outputOf(gamma) : null;
}
