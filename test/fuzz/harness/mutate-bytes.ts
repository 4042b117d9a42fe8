import fc from "fast-check";

/** One change of some bytes. Numbers are taken modulo what fits, so that any of them means something. */
export interface Edit {
  readonly how: (typeof HOW)[number];
  readonly at: number;
  readonly value: number;
}

const HOW = [
  "flip-bit",
  "set-byte",
  "truncate",
  "append",
  "delete",
  "repeat",
  "splice",
  "length",
  "digits",
  "zeros",
  "integer",
] as const;

/** Bytes that decoders branch on. */
const BYTES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const SIZES = [1, 2, 8, 64, 512, 4_096, 65_536, 262_144];
/** BCS lengths: 127, 128, 16383, 2^28 - 1, 2^32 - 1, above u32, one with a superfluous digit. */
const LENGTHS = [
  [0x7f],
  [0x80, 0x01],
  [0xff, 0x7f],
  [0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x81, 0x00],
];
const INTEGERS = [
  [0, 0, 0, 0, 0, 0, 0, 0],
  [255, 255, 255, 255, 255, 255, 255, 255],
  [0, 0, 0, 0, 0, 0, 0, 128],
  [0, 0, 0, 0, 0, 0, 32, 0],
];

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({ how: fc.constantFrom(...HOW), at: fc.nat(0x3fffffff), value: fc.nat(0xffff) }),
  { minLength: 0, maxLength: 5 },
);

/** `bytes` after the edits, at most `maxBytes` long; `other` is what is spliced in. */
export function edit(
  bytes: Uint8Array,
  other: Uint8Array,
  changes: readonly Edit[],
  maxBytes: number,
): Uint8Array {
  let out = bytes;
  for (const change of changes) out = apply(out, other, change).slice(0, maxBytes);
  return out;
}

function apply(bytes: Uint8Array, other: Uint8Array, { how, at: place, value }: Edit): Uint8Array {
  const at = place % (bytes.length + 1);
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at);
  const size = SIZES[value % SIZES.length]!;
  switch (how) {
    case "flip-bit": {
      const out = bytes.slice();
      if (at < out.length) out[at]! ^= 1 << (value & 7);
      return out;
    }
    case "set-byte":
      return join(before, [value & 8 ? value >> 8 : BYTES[value & 7]!], after.subarray(1));
    case "truncate":
      return before;
    case "append":
      return join(bytes, new Uint8Array(size).fill(value >> 8));
    case "delete":
      return join(before, after.subarray(size));
    case "repeat":
      return join(before, after.subarray(0, size), after);
    case "splice":
      return join(before, other.subarray(value % (other.length + 1)));
    case "length": {
      const length = LENGTHS[value % LENGTHS.length]!;
      return join(before, length, after.subarray(value & 256 ? 1 : length.length));
    }
    case "digits":
      return join(before, new Uint8Array(size).fill(value & 256 ? 0xff : 0x80), after);
    case "zeros":
      return join(before, new Uint8Array(size), after);
    case "integer":
      return join(before, INTEGERS[value % INTEGERS.length]!, after.subarray(8));
  }
}

function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part)));
}
