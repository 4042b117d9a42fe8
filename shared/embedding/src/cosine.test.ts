import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareCosine, cosineKey, displayCosine, nearestByCosine } from "./cosine.ts";

const vector = fc
  .array(fc.integer({ min: -32767, max: 32767 }), { minLength: 3, maxLength: 3 })
  .map((v) => Int16Array.from(v));

describe("exact ranking by cosine", () => {
  it("tells apart what doubles cannot", () => {
    const query = Int16Array.of(32767, 32766, 0);
    const near = Int16Array.of(32767, 32766, 0);
    const nearer = Int16Array.of(32766, 32766, 1);
    expect(compareCosine(cosineKey(query, near), cosineKey(query, nearer))).toBeLessThan(0);
  });

  it("is blind to scale and puts zero vectors last", () => {
    const query = Int16Array.of(1, 1);
    const vectors = [Int16Array.of(0, 0), Int16Array.of(-1, -1), Int16Array.of(3, 3), Int16Array.of(1, 1)];
    expect(nearestByCosine(query, vectors, 4)).toEqual([2, 3, 1, 0]);
    expect(nearestByCosine(query, vectors, 2)).toEqual([2, 3]);
  });

  it("agrees with the sign of s|s|/|v|^2 in integers, always", () => {
    fc.assert(
      fc.property(vector, vector, vector, (q, a, b) => {
        const exact = (v: Int16Array) => {
          let s = 0n;
          let n = 0n;
          v.forEach((x, i) => {
            s += BigInt(x) * BigInt(q[i]!);
            n += BigInt(x) * BigInt(x);
          });
          return { s: s < 0n ? -s * s : s * s, n };
        };
        const [ea, eb] = [exact(a), exact(b)];
        fc.pre(ea.n > 0n && eb.n > 0n);
        const difference = eb.s * ea.n - ea.s * eb.n;
        const sign = difference > 0n ? 1 : difference < 0n ? -1 : 0;
        expect(Math.sign(compareCosine(cosineKey(q, a), cosineKey(q, b)))).toBe(sign);
      }),
    );
  });

  it("shows a cosine", () => {
    expect(displayCosine(Int16Array.of(3, 4), Int16Array.of(4, 3))).toBe(24 / 25);
    expect(displayCosine(Int16Array.of(0, 0), Int16Array.of(4, 3))).toBe(0);
  });
});
