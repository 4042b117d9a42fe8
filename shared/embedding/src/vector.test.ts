import { roundHalfEven } from "@soma/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromVectorBytes, isVector, quantise, vectorBytes, vectorOf } from "./vector.ts";

const coordinate = fc.integer({ min: -32767, max: 32767 });
const vector = fc.array(coordinate, { minLength: 1, maxLength: 40 }).map((v) => Int16Array.from(v));

describe("quantise (ARITH-2)", () => {
  it.each([
    [0, 0],
    [1, 2048],
    [-1, -2048],
    [0.5 / 2048, 0], // a half goes to the even neighbour: 0
    [1.5 / 2048, 2],
    [2.5 / 2048, 2],
    [-0.5 / 2048, 0],
    [-1.5 / 2048, -2],
    [-2.5 / 2048, -2],
    [15.99951171875, 32767],
    [-15.99951171875, -32767],
    [0.1, 205], // 204.8
  ])("maps %f to %i", (x, q) => {
    expect(quantise([x])).toEqual({ ok: true, value: Int16Array.of(q) });
  });

  it.each([
    ["NaN", [0, Number.NaN], "EMBEDDING_NOT_FINITE"],
    ["infinity", [Number.NEGATIVE_INFINITY], "EMBEDDING_NOT_FINITE"],
    ["text", ["1" as unknown as number], "EMBEDDING_NOT_FINITE"],
    ["32768 quanta", [16], "EMBEDDING_RANGE"],
    ["-32768 quanta", [-16], "EMBEDDING_RANGE"],
    ["32767.5 quanta, which rounds up", [32767.5 / 2048], "EMBEDDING_RANGE"],
    ["a number whose quanta overflow", [1e308], "EMBEDDING_RANGE"],
    ["nothing", [], "EMBEDDING_DIMENSION"],
    ["2049 coordinates", new Array<number>(2049).fill(0), "EMBEDDING_DIMENSION"],
  ])("refuses %s", (_, input, code) => {
    expect(quantise(input)).toMatchObject({ ok: false, code });
  });

  it("rounds as a binary64 half-even rounding of x * 2048 does", () => {
    const real = fc.double({ min: -16, max: 16, noNaN: true });
    const half = fc.integer({ min: -32767, max: 32766 }).map((q) => (q + 0.5) / 2048);
    fc.assert(
      fc.property(fc.oneof(real, half), (x) => {
        const q = roundHalfEven(x * 2048);
        const quantised = quantise(Float64Array.of(x));
        if (Math.abs(q) > 32767) expect(quantised).toMatchObject({ ok: false, code: "EMBEDDING_RANGE" });
        else expect(quantised).toEqual({ ok: true, value: Int16Array.of(q) });
      }),
      { numRuns: 2000 },
    );
  });

  it("gives back what came from quanta", () => {
    fc.assert(
      fc.property(vector, (v) => {
        expect(quantise(Array.from(v, (q) => q / 2048))).toEqual({ ok: true, value: v });
      }),
    );
  });
});

describe("vectorOf", () => {
  it.each([
    [[1.5], "EMBEDDING_NOT_INTEGER"],
    [[-32768], "EMBEDDING_RANGE"],
    [[Number.NaN], "EMBEDDING_NOT_FINITE"],
    [[], "EMBEDDING_DIMENSION"],
  ])("refuses %j", (input, code) => {
    expect(vectorOf(input)).toMatchObject({ ok: false, code });
  });
});

describe("vector bytes", () => {
  it("are little endian, two's complement", () => {
    expect(vectorBytes(Int16Array.of(1, -2, 258))).toEqual(Uint8Array.of(1, 0, 254, 255, 2, 1));
  });

  it("round trip", () => {
    fc.assert(
      fc.property(vector, (v) => {
        expect(fromVectorBytes(vectorBytes(v), v.length)).toEqual({ ok: true, value: v });
      }),
    );
  });

  it.each([
    ["an odd count of bytes", Uint8Array.of(1, 2, 3), undefined, "EMBEDDING_DIMENSION"],
    ["no byte", new Uint8Array(0), undefined, "EMBEDDING_DIMENSION"],
    ["another dimension", new Uint8Array(4), 3, "EMBEDDING_DIMENSION"],
    ["too many", new Uint8Array(4098), undefined, "EMBEDDING_DIMENSION"],
    ["-32768", Uint8Array.of(0, 128), 1, "EMBEDDING_RANGE"],
  ])("refuses %s", (_, bytes, dimension, code) => {
    expect(fromVectorBytes(bytes, dimension)).toMatchObject({ ok: false, code });
  });

  it("recognises vectors", () => {
    expect(isVector(Int16Array.of(1, 2), 2)).toBe(true);
    expect(isVector(Int16Array.of(1, 2), 3)).toBe(false);
    expect(isVector(Int16Array.of(-32768), 1)).toBe(false);
    expect(isVector([1, 2], 2)).toBe(false);
  });
});
