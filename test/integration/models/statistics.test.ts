import { describe, expect, test } from "vitest";
import { loadHeldOut } from "../../../models/evaluate/held-out.ts";
import { tfIdfHits, vectorHits } from "../../../models/evaluate/recall.ts";
import { Bootstrap, median, pearson, spearman } from "../../../models/evaluate/statistics.ts";
import { TfIdf } from "../../../models/evaluate/tf-idf.ts";

describe("Bootstrap", () => {
  const half = Array.from({ length: 400 }, (_, i) => i % 2);
  const more = half.map((hit, i) => (i % 10 === 0 ? 1 : hit));
  const series = new Map([
    ["half", half],
    ["more", more],
  ]);
  const bootstrap = new Bootstrap(series, 1);

  test("an interval is as wide as the normal approximation says", () => {
    const { value, low, high } = bootstrap.estimate((meanOf) => meanOf("half"));
    expect(value).toBe(0.5);
    expect(high - low).toBeCloseTo((2 * 1.96 * 0.5) / Math.sqrt(400), 2);
  });

  test("differences are paired, hence narrower than of independent samples", () => {
    const { value, low, high } = bootstrap.estimate((meanOf) => meanOf("more") - meanOf("half"));
    expect(value).toBeCloseTo(0.1, 12);
    expect(high - low).toBeCloseTo((2 * 1.96 * Math.sqrt(0.1 * 0.9)) / Math.sqrt(400), 2);
  });

  test("a seed repeats, another differs", () => {
    const of = (seed: number) => new Bootstrap(series, seed, 500).estimate((meanOf) => meanOf("more"));
    expect(of(7)).toEqual(of(7));
    expect(of(7)).not.toEqual(of(8));
  });
});

describe("correlations and medians", () => {
  test.each([
    [[1, 2, 3], [2, 4, 6], 1, 1],
    [[1, 2, 3], [6, 4, 2], -1, -1],
    [[1, 2, 3, 4], [1, 8, 27, 64], 0.951, 1],
    [[1, 1, 2, 2], [1, 2, 1, 2], 0, 0],
  ])("%j with %j", (a, b, linear, ranked) => {
    expect(pearson(a, b)).toBeCloseTo(linear, 3);
    expect(spearman(a, b)).toBeCloseTo(ranked, 3);
  });

  test("the median of an even number is between the middle ones", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
  });
});

describe("rankings", () => {
  const documents = [
    "a red fox",
    "a red red hen",
    "the blue sea",
    ...Array.from({ length: 12 }, () => "a hen"),
  ];
  const query = (text: string, relevant: number) => ({ text, kind: "usage", relevant });

  test("TF-IDF gives a document itself cosine 1 and strangers 0", () => {
    const scores = new TfIdf(documents).scores("the blue sea");
    expect(scores[2]).toBeCloseTo(1, 12);
    expect(scores[0]).toBe(0);
    expect(new TfIdf(documents).scores("red")[1]).toBeGreaterThan(new TfIdf(documents).scores("red")[0]!);
  });

  test("ten places count, ties by place, and no shared word is not found", () => {
    const hits = tfIdfHits(
      [query("hen", 3), query("hen", 14), query("whale", 0), query("fox", 0)],
      documents,
    );
    expect(hits).toEqual([1, 0, 0, 1]);
    const vectors = Array.from({ length: 12 }, () => Int16Array.of(2, 2));
    vectors[11] = Int16Array.of(4, 0);
    const asked = [query("", 9), query("", 10), query("", 11)];
    const towards = [Int16Array.of(1, 1), Int16Array.of(1, 1), Int16Array.of(1, 0)];
    expect(vectorHits(asked, towards, vectors)).toEqual([1, 0, 1]);
  });

  test("a zero vector is never found", () => {
    const vectors = [Int16Array.of(0, 0), Int16Array.of(1, 1)];
    expect(vectorHits([query("", 0)], [Int16Array.of(1, 1)], vectors)).toEqual([0]);
  });
});

describe("loadHeldOut", () => {
  test("a part keeps both kinds and every answer", () => {
    const whole = loadHeldOut();
    expect([whole.documents.length, whole.queries.length]).toEqual([3000, 2922]);
    const part = loadHeldOut({ queries: 40, documents: 100 });
    expect([part.documents.length, part.queries.length]).toEqual([100, 40]);
    expect(new Set(part.queries.map(({ kind }) => kind))).toEqual(new Set(["usage", "kind-of"]));
    for (const { text, relevant } of part.queries) {
      const same = whole.queries.find((query) => query.text === text)!;
      expect(part.documents[relevant]).toBe(whole.documents[same.relevant]);
    }
  });

  test("documents that do not answer the queries are refused", () => {
    expect(() => loadHeldOut({ queries: 40, documents: 39 })).toThrow(
      expect.objectContaining({ code: "EVALUATION_PART" }),
    );
  });
});
