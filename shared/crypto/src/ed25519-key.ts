import { ed25519 } from "@noble/curves/ed25519.js";

function decode(publicKey: Uint8Array): InstanceType<typeof ed25519.Point> | null {
  try {
    // ZIP 215 decoding also reads the encodings with y >= p, so that none of them hides a point.
    return ed25519.Point.fromBytes(publicKey, true);
  } catch {
    return null;
  }
}

/**
 * True for any encoding of one of the eight points whose order divides 8: a key under which one signature fits
 * many messages. False for bytes that are no point. Never throws; about 0.3 ms.
 */
export function isSmallOrder(publicKey: Uint8Array): boolean {
  return decode(publicKey)?.isSmallOrder() ?? false;
}

/**
 * True for the canonical encoding of a point of the prime-order subgroup other than the identity: what honest
 * key generation yields, and what a registration accepts. Never throws; about 1 ms.
 */
export function isPrimeOrder(publicKey: Uint8Array): boolean {
  const point = decode(publicKey);
  if (point === null || point.is0() || !point.isTorsionFree()) return false;
  return point.toBytes().every((byte, i) => byte === publicKey[i]);
}
