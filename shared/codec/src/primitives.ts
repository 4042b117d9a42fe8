import { bcs } from "@mysten/bcs";
import { fromHex, toHex } from "@soma/base";

/** u64 as bigint (the library's own form is a decimal string). Little endian, as BCS. */
export const u64 = bcs
  .u64()
  .transform({ input: (value: bigint) => value.toString(), output: (text) => BigInt(text) });

/** u128 as bigint. */
export const u128 = bcs
  .u128()
  .transform({ input: (value: bigint) => value.toString(), output: (text) => BigInt(text) });

export const u32 = bcs.u32();
export const u16 = bcs.u16();

/** `length` raw bytes held as lower-case hex: the form of every id and digest in memory. */
export function hex(length: number) {
  return bcs.bytes(length).transform({ input: (text: string) => fromHex(text), output: (raw) => toHex(raw) });
}

/** A 32-byte id or digest, as hex in memory. */
export const bytes32 = hex(32);

/** Length-prefixed bytes. */
export const byteString = bcs.byteVector();

/** Length-prefixed int16 vector, two's complement little endian (ARITH-2). */
export const i16s = bcs.byteVector().transform({
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
