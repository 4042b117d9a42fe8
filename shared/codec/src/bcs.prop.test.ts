import { type BcsType as LibraryType, bcs as library } from "@mysten/bcs";
import { fromHex, toHex } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bcs } from "./bcs.ts";
import type { BcsType } from "./bcs-type.ts";
import { decodeExact } from "./exact.ts";
import { byteString, hex, i16s, u64, u128 } from "./primitives.ts";

/** One type in both implementations, with values of it; `form` is what the library reads, in our form. */
interface Shape {
  readonly ours: BcsType<unknown, unknown>;
  readonly theirs: LibraryType<unknown, unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

const shapeOf = (ours: unknown, theirs: unknown, values: fc.Arbitrary<unknown>): Shape =>
  ({ ours, theirs, values }) as Shape;

const bigUint = (bits: number) =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }),
    fc.constantFrom(0n, 2n ** 53n - 1n, 2n ** 53n, 2n ** BigInt(bits) - 1n),
  );
const big = (name: "u64" | "u128") =>
  library[name]().transform({ input: (value: bigint) => value.toString(), output: (text) => BigInt(text) });

const LEAVES: readonly Shape[] = [
  shapeOf(bcs.u8(), library.u8(), fc.integer({ min: 0, max: 0xff })),
  shapeOf(bcs.u16(), library.u16(), fc.integer({ min: 0, max: 0xffff })),
  shapeOf(bcs.u32(), library.u32(), fc.integer({ min: 0, max: 0xffff_ffff })),
  shapeOf(u64, big("u64"), bigUint(64)),
  shapeOf(u128, big("u128"), bigUint(128)),
  shapeOf(bcs.bool(), library.bool(), fc.boolean()),
  shapeOf(bcs.string(), library.string(), fc.string({ unit: "binary", maxLength: 200 })),
  shapeOf(byteString, library.byteVector(), fc.uint8Array({ maxLength: 300 })),
  shapeOf(bcs.bytes(7), library.bytes(7), fc.uint8Array({ minLength: 7, maxLength: 7 })),
  shapeOf(
    hex(5),
    library.bytes(5).transform({ input: (text: string) => fromHex(text), output: (raw) => toHex(raw) }),
    fc.uint8Array({ minLength: 5, maxLength: 5 }).map(toHex),
  ),
  shapeOf(
    i16s,
    library.byteVector().transform({
      input: (values: Int16Array) => new Uint8Array(values.buffer),
      output: (raw) => new Int16Array(Uint8Array.from(raw).buffer),
    }),
    fc.int16Array({ maxLength: 20 }),
  ),
];

/** Types of types, at random. */
const shapes: fc.Arbitrary<Shape> = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(...LEAVES),
    tie("shape").map(({ ours, theirs, values }) =>
      shapeOf(bcs.vector(ours), library.vector(theirs), fc.array(values, { maxLength: 6 })),
    ),
    tie("shape")
      .filter(({ ours }) => !ours.name.startsWith("Option<"))
      .map(({ ours, theirs, values }) =>
        shapeOf(bcs.option(ours), library.option(theirs), fc.option(values, { nil: null })),
      ),
    fc
      .array(tie("shape"), { minLength: 1, maxLength: 4 })
      .map((parts) =>
        shapeOf(
          bcs.tuple(parts.map(({ ours }) => ours)),
          library.tuple(parts.map(({ theirs }) => theirs)),
          fc.tuple(...parts.map(({ values }) => values)),
        ),
      ),
    fc.array(tie("shape"), { maxLength: 4 }).map((parts) => {
      const named = <T>(of: (shape: Shape) => T) =>
        Object.fromEntries(parts.map((part, i) => [`f${i}`, of(part)]));
      return shapeOf(
        bcs.struct(
          "S",
          named(({ ours }) => ours),
        ),
        library.struct(
          "S",
          named(({ theirs }) => theirs),
        ),
        fc.record(named(({ values }) => values)),
      );
    }),
    fc.array(tie("shape"), { minLength: 1, maxLength: 4 }).map((parts) => {
      const named = <T>(of: (shape: Shape) => T) => ({
        Empty: null,
        ...Object.fromEntries(parts.map((part, i) => [`E${i}`, of(part)])),
      });
      // In a tuple, since the library takes an entry that holds null for one that holds nothing.
      const entries = parts.map(({ values }, i) =>
        values.map((value) => ({ [`E${i}`]: [value], $kind: `E${i}` })),
      );
      return shapeOf(
        bcs.enum(
          "E",
          named(({ ours }) => bcs.tuple([ours])),
        ),
        library.enum(
          "E",
          named(({ theirs }) => library.tuple([theirs])),
        ),
        fc.oneof(fc.constant({ Empty: true, $kind: "Empty" }), ...entries),
      );
    }),
  ),
})).shape;

const samples = shapes.chain((shape) => shape.values.map((value) => ({ ...shape, value })));

describe("against @mysten/bcs, on values of random types", () => {
  test("the same bytes", () => {
    fc.assert(
      fc.property(samples, ({ ours, theirs, value }) => {
        expect(ours.encode(value)).toEqual(theirs.serialize(value).toBytes());
      }),
      { numRuns: 2_000 },
    );
  });

  test("the same values, and the same again", () => {
    fc.assert(
      fc.property(samples, ({ ours, theirs, value }) => {
        const bytes = theirs.serialize(value).toBytes();
        const read = decodeExact(ours, bytes, 1_000_000);
        expect(read).toEqual({ ok: true, value: theirs.parse(bytes) });
        expect(ours.parse(bytes)).toEqual(theirs.parse(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test("of changed bytes nothing is taken that does not encode to them", () => {
    const changed = fc.tuple(
      samples,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: -1, max: 1 }),
    );
    fc.assert(
      fc.property(changed, ([{ ours, value }, place, difference, longer]) => {
        const bytes = Uint8Array.of(...ours.encode(value), ...(longer > 0 ? [0] : []));
        const other = longer < 0 ? bytes.slice(0, -1) : bytes;
        if (other.length > 0) other[place % other.length]! ^= difference;
        const read = decodeExact(ours, other, 1_000_000);
        if (read.ok) expect(ours.encode(read.value)).toEqual(other);
      }),
      { numRuns: 5_000 },
    );
  });
});

test.each<[string, BcsType<never, never>, unknown]>([
  ["a number above its width", bcs.u8() as never, 256],
  ["a negative number", u64 as never, -1n],
  ["a fraction", bcs.u32() as never, 1.5],
  ["a number above u64", u64 as never, 2n ** 64n],
  ["a number above u128", u128 as never, 2n ** 128n],
  ["too few bytes", bcs.bytes(3) as never, Uint8Array.of(1, 2)],
  ["hex of another length", hex(2) as never, "ab"],
  ["upper-case hex", hex(1) as never, "AB"],
  ["what is no hex", hex(1) as never, "g0"],
  ["a number for a truth value", bcs.bool() as never, 1],
  ["no object for a struct", bcs.struct("S", { a: bcs.u8() }) as never, null],
  ["a struct without a field", bcs.struct("S", { a: bcs.u8() }) as never, {}],
  ["an unknown entry", bcs.enum("E", { A: null }) as never, { B: true }],
  ["two entries", bcs.enum("E", { A: null, B: null }) as never, { A: true, B: true }],
  ["a tuple of another length", bcs.tuple([bcs.u8()]) as never, [1, 2]],
])("does not encode %s", (_, type, value) => {
  expect(() => type.encode(value as never)).toThrow();
});

test("there is no option of an option", () => {
  expect(() => bcs.option(bcs.option(bcs.u8()))).toThrow(TypeError);
});

test("a failed encoding leaves nothing behind for the next", () => {
  const pair = bcs.tuple([bcs.u8(), bcs.u8()]);
  expect(() => pair.encode([7, 300])).toThrow();
  expect(pair.encode([1, 2])).toEqual(Uint8Array.of(1, 2));
});

test("a type may encode another value while it is written", () => {
  const nested = byteString.transform({
    input: (value: number) => bcs.u16().encode(value),
    output: (bytes) => bcs.u16().parse(bytes),
  });
  const both = bcs.tuple([nested, nested]);
  expect(both.parse(both.encode([258, 3]))).toEqual([258, 3]);
});
