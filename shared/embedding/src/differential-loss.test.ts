import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differentialLoss } from "./differential-loss.ts";
import { normBands, spaceGates } from "./space-gates.ts";

const v = (...q: number[]) => Int16Array.from(q);

function lossOf(full: Int16Array, masks: Int16Array[], inverses: Int16Array[]) {
  const result = differentialLoss(full, masks, inverses);
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

const D = 6;
const K = 3;
const vector = (limit: number) =>
  fc
    .array(fc.integer({ min: -limit, max: limit }), { minLength: D, maxLength: D })
    .map((q) => Int16Array.from(q));
const family = (limit: number) => fc.array(vector(limit), { minLength: K, maxLength: K });

/** DIFF-1 and DIFF-2 straight from their formulas, in BigInt, pairs visited one by one. */
function naive(full: Int16Array, masks: Int16Array[], inverses: Int16Array[]) {
  const square = (q: readonly bigint[]) => q.reduce((sum, x) => sum + x * x, 0n);
  const big = (x: Int16Array) => Array.from(x, BigInt);
  const minus = (x: readonly bigint[], y: readonly bigint[]) => x.map((q, i) => q - y[i]!);
  let num = 0n;
  let den = 1n;
  masks.forEach((mask, k) => {
    const a = big(mask);
    const b = big(inverses[k]!);
    const r = square(minus(minus(big(full), a), b));
    const [aa, bb] = [square(a), square(b)];
    let [n, d] = [2n, 1n];
    // r/2 (1/aa + 1/bb) < 2
    if (aa > 0n && bb > 0n && r * (aa + bb) < 4n * aa * bb) [n, d] = [r * (aa + bb), 2n * aa * bb];
    num = num * d + n * den;
    den *= d;
  });
  let pairs = 0n;
  let norms = 0n;
  masks.forEach((mask, k) => {
    norms += square(big(mask)) + square(big(inverses[k]!));
    masks.forEach((other, l) => {
      pairs += square(minus(big(mask), big(other))) + square(minus(big(inverses[k]!), big(inverses[l]!)));
    });
  });
  const k = BigInt(masks.length);
  return {
    ppb: (1_000_000_000n * num) / (k * den),
    // 1/2 (pairs / (k (k-1))) / (norms / k)
    dispersion: { num: pairs, den: 2n * (k - 1n) * norms },
  };
}

describe("differentialLoss (DIFF-1)", () => {
  it.each([
    ["additive", v(3, 4), [v(1, 4)], [v(2, 0)], 0n],
    ["constant: r = -a, a = b, l = 1", v(3, 4), [v(3, 4)], [v(3, 4)], 1_000_000_000n],
    ["zero mask", v(3, 4), [v(0, 0)], [v(3, 4)], 2_000_000_000n],
    ["capped: r = (8, 0), l = 32 (1 + 1)", v(10, 0), [v(1, 0)], [v(1, 0)], 2_000_000_000n],
    // r = (1, 0): 1/2 * 1 * (1/4 + 1/9) = 13/72
    ["13/72", v(6, 0), [v(2, 0)], [v(3, 0)], 180_555_555n],
    ["mean of 13/72 and 0", v(6, 0), [v(2, 0), v(5, 0)], [v(3, 0), v(1, 0)], 90_277_777n],
  ])("%s", (_, full, masks, inverses, ppb) => {
    expect(lossOf(full, masks, inverses).ppb).toBe(ppb);
  });

  it("follows the formulas as written a second time", () => {
    fc.assert(
      fc.property(vector(32767), family(32767), family(32767), (full, masks, inverses) => {
        const got = lossOf(full, masks, inverses);
        const want = naive(full, masks, inverses);
        expect(got.ppb).toBe(want.ppb);
        expect(got.dispersion.num * want.dispersion.den).toBe(want.dispersion.num * got.dispersion.den);
      }),
    );
  });

  it("is 0 for every additive encoder with no zero vector", () => {
    fc.assert(
      fc.property(vector(16000), family(8000), (full, masks) => {
        const inverses = masks.map((a) => a.map((q, d) => full[d]! - q));
        fc.pre([...masks, ...inverses].every((x) => x.some((q) => q !== 0)));
        expect(lossOf(full, masks, inverses).ppb).toBe(0n);
      }),
    );
  });

  it("is 10^9 for every constant encoder, whose dispersion fails the gate", () => {
    fc.assert(
      fc.property(vector(32767), (full) => {
        fc.pre(full.some((q) => q !== 0));
        const same = [full, full, full];
        expect(lossOf(full, same, same)).toMatchObject({ ppb: 1_000_000_000n, gates: { dispersion: false } });
      }),
    );
  });

  it("does not change when everything is scaled, or masks are reordered", () => {
    fc.assert(
      fc.property(vector(3000), family(3000), family(3000), fc.integer({ min: 2, max: 10 }), (f, a, b, s) => {
        const scale = (x: Int16Array) => x.map((q) => q * s);
        const base = lossOf(f, a, b);
        expect(lossOf(scale(f), a.map(scale), b.map(scale)).ppb).toBe(base.ppb);
        expect(lossOf(f, a.toReversed(), b.toReversed())).toMatchObject({ ppb: base.ppb, gates: base.gates });
        expect(lossOf(f, b, a).ppb).toBe(base.ppb);
      }),
    );
  });

  it("is exact at the largest coordinates and dimension", () => {
    const big = new Int16Array(2048).fill(32767);
    const neg = big.map((q) => -q);
    // r = f - a - b = f + f + f: |r|^2 = 9 n, l = 9/2 * 2 capped at 2.
    expect(lossOf(big, [neg, neg], [neg, neg]).ppb).toBe(2_000_000_000n);
    // a = f, b = -f: r = f, l = 1/2 * 2 = 1; half the pairs differ by nothing.
    const mixed = lossOf(big, [big, neg], [neg, big]);
    expect(mixed.ppb).toBe(1_000_000_000n);
    // V = 1/2 (4n + 4n) / 2n = 2
    expect(mixed.dispersion.num).toBe(2n * mixed.dispersion.den);
  });

  it.each([
    ["no mask", v(1), [], [], "EMBEDDING_COUNTS"],
    ["an inverse too few", v(1), [v(1), v(1)], [v(1)], "EMBEDDING_COUNTS"],
    ["33 masks", v(1), new Array(33).fill(v(1)), new Array(33).fill(v(1)), "EMBEDDING_COUNTS"],
    ["another dimension", v(1, 2), [v(1, 2)], [v(1)], "EMBEDDING_DIMENSION"],
    ["no coordinates", v(), [v()], [v()], "EMBEDDING_DIMENSION"],
  ])("refuses %s", (_, full, masks, inverses, code) => {
    expect(differentialLoss(full, masks, inverses)).toMatchObject({ ok: false, code });
  });
});

describe("gates (DIFF-2, SPACE-2)", () => {
  it("lets a dispersion of exactly 1/1000 pass", () => {
    // a = (x, y), (x, -y), b the same: |a_1 - a_2|^2 = 4y^2, V = 1/2 * 8y^2 / (2 (x^2 + y^2)) = 2y^2/(x^2+y^2)
    // and 2y^2 * 1000 = x^2 + y^2 for x^2 = 1999 y^2: no integers; so three coordinates: 1999 = 43^2 + 10^2 + 5^2 + 5^2.
    const a = [v(43, 10, 5, 5, 1), v(43, 10, 5, 5, -1)];
    const full = v(1, 1, 1, 1, 1);
    expect(lossOf(full, a, a)).toMatchObject({ gates: { dimension: true, counts: true, dispersion: true } });
    const less = [v(43, 10, 5, 6, 1), v(43, 10, 5, 6, -1)];
    expect(lossOf(full, less, less).gates.dispersion).toBe(false);
  });

  it("fails counts and dispersion for one mask, dispersion for zeros", () => {
    expect(lossOf(v(1), [v(1)], [v(1)]).gates).toEqual({ dimension: true, counts: false, dispersion: false });
    expect(lossOf(v(1), [v(0), v(0)], [v(0), v(0)]).gates.dispersion).toBe(false);
  });

  // Mean norm 16: full within 8..32, masks within 1..64.
  it.each([
    [8, 1, 64, true, true],
    [32, 64, 1, true, true],
    [7, 1, 1, false, true],
    [33, 1, 1, false, true],
    [16, 0, 1, true, false],
    [16, 1, 65, true, false],
  ])("norms %i, %i, %i: full %s, masks %s", (f, a, b, full, masks) => {
    expect(spaceGates(v(f), [v(a)], [v(b)], 256n)).toEqual({ full, masks });
    const loss = differentialLoss(v(f), [v(a)], [v(b)], normBands(256n));
    expect(loss.ok && loss.value.gates.norms).toBe(full && masks);
  });

  it("keeps its bands exact for a fractional mean norm", () => {
    // m^2 = 1023/4: full 1023/16 = 63.9 .. 1023; masks 0.999 .. 4092.
    expect(normBands({ num: 1023n, den: 4n })).toEqual({
      full: { low: 64, high: 1023 },
      mask: { low: 1, high: 4092 },
    });
  });
});
