import { BcsReader } from "@mysten/bcs";

/** Elements of all vectors that any bytes may claim; no message of the protocol has so many short ones. */
const SHORT_ELEMENTS = 4096;
/** Beyond those, an element must stand for so many bytes. */
const BYTES_PER_ELEMENT = 8;

/**
 * Reads bytes from anyone in time and memory proportional to their number. The library's own reader takes a length
 * of any number of digits, which costs the square of it, and reads past the end of a view of a larger buffer, so
 * that the code of a refusal would depend on the buffer that the bytes lie in.
 */
export class BoundedReader extends BcsReader {
  /** Of the bytes, in their buffer. */
  readonly #end: number;
  #elements: number;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.#end = bytes.byteOffset + bytes.length;
    this.#elements = SHORT_ELEMENTS + Math.floor(bytes.length / BYTES_PER_ELEMENT);
  }

  // The platform's own errors say nothing to whoever gave a wrong file.
  override read8(): number {
    try {
      return super.read8();
    } catch {
      throw cutShort();
    }
  }

  override read16(): number {
    try {
      return super.read16();
    } catch {
      throw cutShort();
    }
  }

  override read32(): number {
    try {
      return super.read32();
    } catch {
      throw cutShort();
    }
  }

  /** BCS lengths are u32: at most five digits of seven bits. */
  override readULEB(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.read8();
      value += (byte & 127) * 128 ** i;
      if (byte >= 128) continue;
      if (byte === 0 && i > 0) throw new RangeError("a length has a superfluous digit");
      if (value > 0xffffffff) break;
      return value;
    }
    throw new RangeError("a length is above u32");
  }

  override readBytes(count: number): Uint8Array {
    let read: Uint8Array;
    try {
      read = super.readBytes(count);
    } catch {
      throw cutShort();
    }
    if (read.byteOffset + count > this.#end) throw cutShort();
    return read;
  }

  /** Called with the length of every vector before its elements are read. */
  takeElements(count: number): void {
    this.#elements -= count;
    if (this.#elements < 0) throw new RangeError("more elements are claimed than the bytes can stand for");
  }
}

function cutShort(): RangeError {
  return new RangeError("they end in the midst of a value, or a length in them is wrong");
}
