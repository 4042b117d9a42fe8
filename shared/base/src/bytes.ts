const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

interface Slices {
  hexSlice(this: Uint8Array, from: number, to: number): string;
  latin1Slice(this: Uint8Array, from: number, to: number): string;
}
// Pure code compiles without Node's types and runs in browsers too. Where the platform turns bytes into text itself it
// is asked: a few times faster, and the text is one piece.
interface Platform {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly Buffer: { readonly prototype: Slices } } | undefined;
  };
}
const slices = (globalThis as Platform).process?.getBuiltinModule?.("node:buffer")?.Buffer.prototype;

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return hexOf(bytes, 0, bytes.length);
}

/** `toHex` of the bytes from `from` up to `to`. */
export function hexOf(bytes: Uint8Array, from: number, to: number): string {
  if (slices !== undefined) return slices.hexSlice.call(bytes, from, to);
  let out = "";
  for (let i = from; i < to; i++) out += HEX[bytes[i]!];
  return out;
}

/** One character a byte, its code the byte's value, from `from` up to `to`: the text of ASCII. */
export function latinOf(bytes: Uint8Array, from: number, to: number): string {
  if (slices !== undefined) return slices.latin1Slice.call(bytes, from, to);
  let out = "";
  for (let i = from; i < to; i++) out += String.fromCharCode(bytes[i]!);
  return out;
}

/** True for an even number of lower-case hex digits, and of exactly `length` bytes if that is given. */
export function isHex(text: string, length?: number): boolean {
  return (
    (length === undefined ? text.length % 2 === 0 : text.length === length * 2) && /^[0-9a-f]*$/.test(text)
  );
}

/** @throws RangeError unless `text` is lower-case hex of whole bytes. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new RangeError("not lower-case hex of whole bytes");
  const out = new Uint8Array(text.length / 2);
  putHex(text, out, 0);
  return out;
}

/** `fromHex` into `out` from `at` on, where there is room. @throws RangeError as `fromHex` */
export function putHex(text: string, out: Uint8Array, at: number): void {
  if (text.length % 2 !== 0) throw new RangeError("not lower-case hex of whole bytes");
  let wrong = 0;
  for (let i = 0, place = at; i < text.length; i += 2, place++) {
    const high = digitOf(text.charCodeAt(i));
    const low = digitOf(text.charCodeAt(i + 1));
    wrong |= high | low;
    out[place] = (high << 4) | low;
  }
  if (wrong > 15) throw new RangeError("not lower-case hex of whole bytes");
}

const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = "0123456789abcdef".indexOf(String.fromCharCode(code));
  return value < 0 ? 128 : value;
});

/** Value of the character code of a lower-case hex digit, 128 of any other. */
function digitOf(code: number): number {
  return code < 128 ? DIGITS[code]! : 128;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Order of ids everywhere (ARITH-6): bytewise, shorter first on a common prefix. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = a[i]! - b[i]!;
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

/** The same order on lower-case hex, whose digits sort as the bytes do. Never localeCompare. */
export function compareHex(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Big endian, as every integer in a pre-image (ARITH-5). @throws RangeError outside u32. */
export function u32be(n: number): Uint8Array {
  if (!Number.isInteger(n) || n < 0 || n > 0xffffffff) throw new RangeError(`not a u32: ${n}`);
  return Uint8Array.of(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
}

/** Big endian. @throws RangeError outside u64. */
export function u64be(value: bigint | number): Uint8Array {
  const n = BigInt(value);
  if (n < 0n || n >= 1n << 64n) throw new RangeError(`not a u64: ${n}`);
  const out = new Uint8Array(8);
  for (let i = 7, rest = n; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

/** UTF-8 bytes of well-formed text (a lone surrogate becomes U+FFFD, as TextEncoder does). */
export function utf8(text: string): Uint8Array {
  const ascii = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return wideUtf8(text);
    ascii[i] = code;
  }
  return ascii;
}

function wideUtf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const char of text.toWellFormed()) {
    const c = char.codePointAt(0)!;
    if (c < 0x80) out.push(c);
    else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x10000) out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return Uint8Array.from(out);
}
