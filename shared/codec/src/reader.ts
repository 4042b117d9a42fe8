import { hexOf, latinOf } from "@soma/base";

/** Elements of all vectors that any bytes may claim; no message of the protocol has so many short ones. */
const SHORT_ELEMENTS = 4096;
/** Beyond those, an element must stand for so many bytes. */
const BYTES_PER_ELEMENT = 8;

declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The last ASCII text: one transaction after another names the same chain. */
let lastText = "";

/**
 * Reads BCS from anyone in time and memory proportional to the bytes' number, and takes nothing but the one canonical
 * form of each value, so that what was read to the last byte need not be encoded again to be sure of it.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #elements: number;

  /** @param elements of all vectors at most; by default what so many bytes can stand for */
  constructor(bytes: Uint8Array, elements = SHORT_ELEMENTS + Math.floor(bytes.length / BYTES_PER_ELEMENT)) {
    this.#bytes = bytes;
    this.#elements = elements;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  read8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  read16(): number {
    const at = this.#take(2);
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8);
  }

  read32(): number {
    return this.#u32(this.#take(4));
  }

  read64(): bigint {
    const at = this.#take(8);
    const low = this.#u32(at);
    const high = this.#u32(at + 4);
    return high < 0x20_0000 ? BigInt(high * 0x1_0000_0000 + low) : (BigInt(high) << 32n) | BigInt(low);
  }

  read128(): bigint {
    const low = this.read64();
    return (this.read64() << 64n) | low;
  }

  /** Lengths and an enum's entries: u32, at most five digits of seven bits. */
  readULEB(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.read8();
      value += (byte & 127) * 128 ** i;
      if (byte >= 128) continue;
      if (byte === 0 && i > 0) throw new RangeError("a length has a superfluous digit");
      if (value > 0xffff_ffff) break;
      return value;
    }
    throw new RangeError("a length is above u32");
  }

  /** A view of so many bytes, not a copy. */
  readBytes(count: number): Uint8Array {
    const at = this.#take(count);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, count);
  }

  /** So many bytes as lower-case hex. */
  readHex(count: number): string {
    const at = this.#take(count);
    return hexOf(this.#bytes, at, at + count);
  }

  /** So many bytes as UTF-8. */
  readText(count: number): string {
    const at = this.#take(count);
    if (count === 0) return "";
    if (this.#isLastText(at, count)) return lastText;
    const end = at + count;
    for (let i = at; i < end; i++) {
      if (this.#bytes[i]! >= 128) return decoder.decode(this.#bytes.subarray(at, end));
    }
    lastText = latinOf(this.#bytes, at, end);
    return lastText;
  }

  /** Called with the length of every vector before its elements are read. */
  takeElements(count: number): void {
    this.#elements -= count;
    if (this.#elements < 0) throw new RangeError("more elements are claimed than the bytes can stand for");
  }

  #isLastText(at: number, count: number): boolean {
    if (lastText.length !== count) return false;
    for (let i = 0; i < count; i++) if (this.#bytes[at + i] !== lastText.charCodeAt(i)) return false;
    return true;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) {
      throw new RangeError("they end in the midst of a value, or a length in them is wrong");
    }
    this.#at = at + count;
    return at;
  }

  #u32(at: number): number {
    const bytes = this.#bytes;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }
}
