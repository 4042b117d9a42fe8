import { putHex, utf8 } from "@soma/base";

const FIRST_BYTES = 4096;
/** A larger buffer is not kept for the next value. */
const KEPT_BYTES = 2 * 1024 * 1024;
const U64 = 1n << 64n;

/** Writes BCS into a buffer that grows, and that the next writer takes over. */
export class Writer {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #at = 0;

  write8(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  write16(value: number): void {
    const at = this.#room(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  write32(value: number): void {
    this.#u32(this.#room(4), value);
  }

  /** @throws RangeError outside u64 */
  write64(value: bigint): void {
    if (value < 0n || value >= U64) throw new RangeError(`not a u64: ${value}`);
    const at = this.#room(8);
    if (value <= 0x1f_ffff_ffff_ffffn) {
      const small = Number(value);
      this.#u32(at, small);
      this.#u32(at + 4, Math.floor(small / 0x1_0000_0000));
    } else {
      this.#u32(at, Number(value & 0xffff_ffffn));
      this.#u32(at + 4, Number(value >> 32n));
    }
  }

  /** @throws RangeError outside u128 */
  write128(value: bigint): void {
    if (value < 0n || value >> 64n >= U64) throw new RangeError(`not a u128: ${value}`);
    this.write64(value & (U64 - 1n));
    this.write64(value >> 64n);
  }

  /** @throws RangeError outside u32 */
  writeULEB(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw new RangeError(`not a length: ${value}`);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.write8((rest % 128) | 128);
    this.write8(rest);
  }

  writeBytes(bytes: ArrayLike<number>): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** @throws RangeError unless the text is lower-case hex of so many bytes */
  writeHex(text: string, count: number): void {
    if (text.length !== 2 * count) throw new RangeError(`not lower-case hex of ${count} bytes`);
    const at = this.#room(count);
    putHex(text, this.#bytes, at);
  }

  /** Length and UTF-8. */
  writeText(text: string): void {
    const { length } = text;
    let isShort = length < 128;
    for (let i = 0; i < length && isShort; i++) isShort = text.charCodeAt(i) < 128;
    if (!isShort) {
      const bytes = utf8(text);
      this.writeULEB(bytes.length);
      this.writeBytes(bytes);
      return;
    }
    let at = this.#room(length + 1);
    this.#bytes[at++] = length;
    for (let i = 0; i < length; i++) this.#bytes[at++] = text.charCodeAt(i);
  }

  /** What was written, and nothing from now on. */
  finish(): Uint8Array<ArrayBuffer> {
    const written = this.#bytes.slice(0, this.#at) as Uint8Array<ArrayBuffer>;
    this.reset();
    return written;
  }

  reset(): void {
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
  }

  #room(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#at = end;
    return at;
  }

  #u32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }
}
