import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { localOutlierFactor, neighbourCount } from "./local-outlier-factor.ts";
import { outlierFactors, outliers } from "./outlier.ts";

const value = <T>(result: { ok: true; value: T } | { ok: false; code: string }): T => {
  if (!result.ok) throw new Error(result.code);
  return result.value;
};
const id = (n: number) => n.toString(16).padStart(64, "0");
const ids = (n: number) => Array.from({ length: n }, (_, i) => id(i + 1));

/** The textbook formulation: sets of neighbours by a full sort, every quantity a function of a point. */
function textbook(points: readonly (readonly number[])[], k: number): number[] {
  const d = (p: number, o: number) => Math.hypot(...points[p]!.map((x, i) => x - points[o]![i]!));
  const near = (p: number) =>
    points
      .map((_, o) => o)
      .filter((o) => o !== p)
      .toSorted((x, y) => d(p, x) - d(p, y) || x - y)
      .slice(0, k);
  const kDistance = (p: number) => Math.max(...near(p).map((o) => d(p, o)));
  const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
  const density = (p: number) => 1 / (mean(near(p).map((o) => Math.max(kDistance(o), d(p, o)))) + 1e-10);
  return points.map((_, p) => mean(near(p).map((o) => density(o) / density(p))));
}

describe("localOutlierFactor (OUTLIER-1)", () => {
  it.each([
    [4, 2],
    [5, 2],
    [6, 3],
    [8, 3],
    [9, 4],
    [61, 21],
    [3, 2],
    [2, 1],
    [1, 0],
  ])("takes of %i points %i neighbours", (n, k) => {
    expect(neighbourCount(n)).toBe(k);
  });

  it("agrees with factors worked out by hand", () => {
    // 0, 1, 2, 10 on a line with k = 2; reach 0: (kd(1)=1 -> 1, kd(2)=2 -> 2) mean 1.5; 1: (kd(0)=2, kd(2)=2) 2;
    // 2: (kd(1)=1 -> 1, kd(0)=2 -> 2) 1.5; 10: (8, 9) 8.5.
    const { lof, lrd } = value(localOutlierFactor([[0], [1], [2], [10]]));
    const want = [1 / 1.5, 1 / 2, 1 / 1.5, 1 / 8.5];
    lrd.forEach((x, i) => {
      expect(x).toBeCloseTo(want[i]!, 8);
    });
    expect(lof[0]).toBeCloseTo((1 / 2 + 1 / 1.5) / 2 / (1 / 1.5), 8); // 0.875
    expect(lof[1]).toBeCloseTo(4 / 3, 8);
    expect(lof[3]).toBeCloseTo((1 / 1.5 + 1 / 2) / 2 / (1 / 8.5), 8); // 4.958
  });

  it("agrees with the textbook formulation", () => {
    const point = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 4, maxLength: 14 }),
        fc.integer({ min: 1, max: 3 }),
        (points, k) => {
          // Equal squares are equal distances in ours and may differ in the last bit under hypot.
          const squares = points.flatMap((p, i) =>
            points.slice(0, i).map((o) => p.reduce((s, x, d) => s + (x - o[d]!) ** 2, 0)),
          );
          fc.pre(new Set(squares).size === squares.length && !squares.includes(0));
          const { lof } = value(localOutlierFactor(points, k));
          textbook(points, k).forEach((x, i) => {
            expect(Math.abs(lof[i]! - x)).toBeLessThan(1e-9 * x);
          });
        },
      ),
    );
  });

  it("stays finite when points coincide", () => {
    const { lof, lrd } = value(localOutlierFactor([[1], [1], [1], [1], [1]]));
    expect(lof).toEqual([1, 1, 1, 1, 1]);
    expect(lrd.every(Number.isFinite)).toBe(true);
  });

  it.each([
    [[], undefined, "OUTLIER_EMPTY"],
    [[[1], [Number.NaN], [2], [3]], undefined, "OUTLIER_NOT_FINITE"],
    [[[1e300], [-1e300], [2], [3]], undefined, "OUTLIER_NOT_FINITE"],
    [[[1], [1, 2], [2], [3]], undefined, "OUTLIER_DIMENSION"],
    [[[1], [2], [3], [4]], 4, "OUTLIER_NEIGHBOURS"],
    [[[1], [2], [3], [4]], 0, "OUTLIER_NEIGHBOURS"],
  ])("refuses %j with k = %s", (points, k, code) => {
    expect(localOutlierFactor(points, k)).toMatchObject({ ok: false, code });
  });
});

describe("outlierFactors", () => {
  it("merges near-identical points and counts them once", () => {
    // Median of the 15 squared distances is far above 10^6, so 0 and 1 are one point.
    const points = [[0], [1], [4000], [9000], [15000], [22000]];
    const merged = value(outlierFactors(points));
    expect(merged.groups).toEqual([[0, 1], [2], [3], [4], [5]]);
    const alone = value(localOutlierFactor([[0], [4000], [9000], [15000], [22000]]));
    expect(merged.lof).toEqual([alone.lof[0], ...alone.lof]);
    expect(merged.lrd).toEqual([alone.lrd[0], ...alone.lrd]);
  });

  it("merges strictly below a thousandth of the median distance", () => {
    // Distances 1, 999, 1000, 1000, 1999, 2000: lower median 1000, and 1 is not less than its thousandth.
    expect(value(outlierFactors([[0], [1], [1000], [2000]])).groups).toHaveLength(4);
    expect(value(outlierFactors([[0], [1], [1002], [2004]])).groups).toHaveLength(3);
  });

  it("joins along a chain and joins identical points whatever the median", () => {
    expect(value(outlierFactors([[0], [1], [2], [9000], [50000], [90000], [99000]])).groups[0]).toEqual([
      0, 1, 2,
    ]);
    expect(value(outlierFactors([[5], [5], [5], [9]])).groups).toEqual([[0, 1, 2], [3]]);
  });

  it("gives 1 to all when fewer than four points are left", () => {
    expect(value(outlierFactors([[5], [5], [5], [9]])).lof).toEqual([1, 1, 1, 1]);
    expect(value(outlierFactors([[0], [500], [-700]])).lof).toEqual([1, 1, 1]);
    expect(value(outlierFactors([[7]])).lof).toEqual([1]);
  });
});

describe("outliers", () => {
  const line = (...xs: number[]) => xs.map((x) => Int16Array.of(x));

  it("disqualifies above 1.5, at most a third, the worst first", () => {
    const report = value(outliers(line(0, 10, 20, 31, 40, 5000, -9000), ids(7)));
    expect(report.disqualified).toEqual([false, false, false, false, false, true, true]);
    // Three lie apart, n = 7: two may go.
    const three = value(outliers(line(0, 10, 20, 31, 5000, -9000, 30000), ids(7)));
    expect(three.disqualified.filter(Boolean)).toHaveLength(2);
    const byFactor = three.micro.map((m, i) => ({ m, i })).toSorted((a, b) => b.m - a.m);
    expect(byFactor.slice(0, 2).every(({ i }) => three.disqualified[i])).toBe(true);
  });

  it("takes all members of a merged point with it", () => {
    const report = value(outliers(line(0, 1000, 2000, 3100, 30000, 30000), ids(6)));
    expect(report.groups).toContainEqual([4, 5]);
    expect(report.disqualified).toEqual([false, false, false, false, true, true]);
  });

  it("merges who is said to belong together", () => {
    const report = value(outliers(line(0, 100, 200, 310, 400), ids(5), { together: [[id(5), id(1)]] }));
    expect(report.groups).toContainEqual([0, 4]);
    expect(report.lof[0]).toBe(report.lof[4]);
  });

  it("breaks a tie for the last disqualification by lot, not by id", () => {
    // Symmetric: -x and x have one factor; n = 5 lets one go.
    const points = line(-9000, -10, 0, 10, 9000);
    const of = (lots: string[]) => value(outliers(points, ids(5), { lots })).disqualified;
    const report = value(outliers(points, ids(5)));
    expect(report.micro[0]).toBe(report.micro[4]);
    expect(of(["aa", "00", "00", "00", "bb"])).toEqual([true, false, false, false, false]);
    expect(of(["bb", "00", "00", "00", "aa"])).toEqual([false, false, false, false, true]);
  });

  it("does not depend on the order of its input", () => {
    const coordinate = fc.integer({ min: -50, max: 50 });
    const point = fc.array(coordinate, { minLength: 2, maxLength: 2 }).map((q) => Int16Array.from(q));
    const shuffled = fc.array(point, { minLength: 1, maxLength: 12 }).chain((points) =>
      fc.tuple(
        fc.constant(points),
        fc.shuffledSubarray(
          points.map((_, i) => i),
          { minLength: points.length, maxLength: points.length },
        ),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([points, order]) => {
        const names = ids(points.length);
        const straight = value(outliers(points, names));
        const mixed = value(
          outliers(
            order.map((i) => points[i]!),
            order.map((i) => names[i]!),
          ),
        );
        expect(mixed.micro).toEqual(order.map((i) => straight.micro[i]));
        expect(mixed.lrd).toEqual(order.map((i) => straight.lrd[i]));
        expect(mixed.disqualified).toEqual(order.map((i) => straight.disqualified[i]));
      }),
    );
  });

  it.each([
    ["an id twice", [id(1), id(1)]],
    ["too few ids", [id(1)]],
    ["an id that is not hex", [id(1), "XY"]],
  ])("refuses %s", (_, names) => {
    expect(outliers(line(1, 2), names)).toMatchObject({ ok: false, code: "OUTLIER_ID" });
  });
});
