import { bcs } from "./bcs.ts";
import { BcsType } from "./bcs-type.ts";

/** Little endian, as BCS. */
export const u64 = new BcsType<bigint>({
  name: "u64",
  read: (reader) => reader.read64(),
  write: (value, writer) => writer.write64(value),
});

export const u128 = new BcsType<bigint>({
  name: "u128",
  read: (reader) => reader.read128(),
  write: (value, writer) => writer.write128(value),
});

export const u32 = bcs.u32();
export const u16 = bcs.u16();

/** `length` raw bytes held as lower-case hex: the form of every id and digest in memory. */
export function hex(length: number): BcsType<string> {
  return new BcsType<string>({
    name: `bytes[${length}]`,
    read: (reader) => reader.readHex(length),
    write: (value, writer) => writer.writeHex(value, length),
  });
}

/** A 32-byte id or digest, as hex in memory. */
export const bytes32 = hex(32);

/** Length-prefixed bytes. */
export const byteString = bcs.byteVector();

/** Length-prefixed int16 vector, two's complement little endian (ARITH-2). */
export const i16s = byteString.transform({
  input: (values: Int16Array) => {
    const out = new Uint8Array(values.length * 2);
    const view = new DataView(out.buffer);
    for (let i = 0; i < values.length; i++) view.setInt16(2 * i, values[i]!, true);
    return out;
  },
  output: (raw) => {
    if (raw.length % 2 !== 0) throw new RangeError("an int16 vector has an even number of bytes");
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    return Int16Array.from({ length: raw.length / 2 }, (_, i) => view.getInt16(2 * i, true));
  },
});
