import { verifyEd25519 } from "./ed25519.ts";

/** One Ed25519 check. */
export interface Ed25519Item {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const FIXED = 32 + 64 + 4;

/**
 * Items in one buffer, which moves to a worker without a copy: u32 count, then for each key, signature, u32
 * length of the message, message. An item of the wrong widths becomes zeros, which do not verify: the key of
 * zeros has small order.
 */
export function packBatch(items: readonly Ed25519Item[]): Uint8Array<ArrayBuffer> {
  let length = 4;
  for (const { message } of items) length += FIXED + message.length;
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  view.setUint32(0, items.length);
  let at = 4;
  for (const { publicKey, message, signature } of items) {
    if (publicKey.length === 32 && signature.length === 64) {
      packed.set(publicKey, at);
      packed.set(signature, at + 32);
    }
    view.setUint32(at + 96, message.length);
    packed.set(message, at + FIXED);
    at += FIXED + message.length;
  }
  return packed;
}

/** One byte an item, 1 for valid and 0 for not. */
export function verifyPacked(packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const decisions = new Uint8Array(view.getUint32(0));
  let at = 4;
  for (let i = 0; i < decisions.length; i++) {
    const end = at + FIXED + view.getUint32(at + 96);
    const message = packed.subarray(at + FIXED, end);
    decisions[i] = verifyEd25519(packed.subarray(at, at + 32), message, packed.subarray(at + 32, at + 96))
      ? 1
      : 0;
    at = end;
  }
  return decisions;
}
