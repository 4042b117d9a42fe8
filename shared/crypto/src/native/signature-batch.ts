import { type SignatureItem, verifyItem } from "../signature-item.ts";
import { verifyBls } from "./bls-verifier.ts";
import { verifyEd25519 } from "./ed25519.ts";

const SCHEMES = ["Ed25519", "Bls"] as const;
const WIDTHS = { Ed25519: { key: 32, signature: 64 }, Bls: { key: 48, signature: 96 } } as const;
/** Scheme, number of signers, length of the message. */
const HEADER = 1 + 4 + 4;
const VERIFIER = { ed25519: verifyEd25519, bls: verifyBls };

/** One byte an item, 1 for valid and 0 for not. */
export function verifyItems(items: readonly SignatureItem[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(items, (item) => (verifyItem(item, VERIFIER) ? 1 : 0));
}

/**
 * Items in one buffer, which moves to a worker without a copy: u32 count, then for each u8 scheme, u32 signers, u32
 * length of the message, message, and a signer's key and signature after the other. One with a key or signature of the
 * wrong width goes with no signers, and so is as invalid.
 */
export function packItems(items: readonly SignatureItem[]): Uint8Array<ArrayBuffer> {
  const signersOf = items.map((item) => (isWellFormed(item) ? item.signers : []));
  let length = 4;
  for (const [i, { scheme, message }] of items.entries()) {
    const { key, signature } = WIDTHS[scheme];
    length += HEADER + message.length + signersOf[i]!.length * (key + signature);
  }
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  view.setUint32(0, items.length);
  let at = 4;
  for (const [i, { scheme, message }] of items.entries()) {
    const signers = signersOf[i]!;
    view.setUint8(at, SCHEMES.indexOf(scheme));
    view.setUint32(at + 1, signers.length);
    view.setUint32(at + 5, message.length);
    packed.set(message, at + HEADER);
    at += HEADER + message.length;
    for (const { publicKey, signature } of signers) {
      packed.set(publicKey, at);
      packed.set(signature, at + publicKey.length);
      at += publicKey.length + signature.length;
    }
  }
  return packed;
}

/** Views into what `packItems` made. */
export function unpackItems(packed: Uint8Array): SignatureItem[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 4;
  const take = (length: number) => {
    at += length;
    return packed.subarray(at - length, at);
  };
  return Array.from({ length: view.getUint32(0) }, () => {
    const scheme = SCHEMES[view.getUint8(at)]!;
    const count = view.getUint32(at + 1);
    const length = view.getUint32(at + 5);
    at += HEADER;
    const message = take(length);
    const { key, signature } = WIDTHS[scheme];
    const signers = Array.from({ length: count }, () => ({
      publicKey: take(key),
      signature: take(signature),
    }));
    return { scheme, message, signers };
  });
}

function isWellFormed({ scheme, signers }: SignatureItem): boolean {
  const { key, signature: width } = WIDTHS[scheme];
  return signers.every(({ publicKey, signature }) => publicKey.length === key && signature.length === width);
}
