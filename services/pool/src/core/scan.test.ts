import { displayCosine, nearestByCosine } from "@soma/embedding";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leadingDimensions, type Rotation } from "./rotation.ts";
import { type ScanQuery, scan } from "./scan.ts";
import { VectorTable } from "./vector-table.ts";

const swap: Rotation = { dimension: 3, leading: 2, rows: Int16Array.from([0, 16384, 0, 16384, 0, 0]) };

function tableOf(vectors: readonly (readonly number[])[]): VectorTable {
  const table = new VectorTable({ dimension: 3, rotation: swap });
  for (const [row, vector] of vectors.entries()) {
    table.append(row, Int16Array.from(vector), { epoch: row, submitter: row % 2, modality: row % 3 });
  }
  table.rotate(0, vectors.length);
  return table;
}

const query = (vector: readonly number[], to: number, more: Partial<ScanQuery> = {}): ScanQuery => ({
  vector: Int16Array.from(vector),
  leading: false,
  filter: null,
  from: 0,
  to,
  candidates: new Uint32Array(),
  after: null,
  except: [],
  limit: 10,
  ...more,
});

const component = fc.integer({ min: -4, max: 4 });
const vectors = fc.array(fc.tuple(component, component, component), { minLength: 1, maxLength: 40 });
const some = fc.tuple(component, component, component).filter((v) => v.some((x) => x !== 0));

test("agrees with a full sort by cosine, ties by the earlier row, and never finds a zero vector", () => {
  fc.assert(
    fc.property(vectors, some, fc.integer({ min: 1, max: 12 }), (all, asked, limit) => {
      const expected = nearestByCosine(
        Int16Array.from(asked),
        all.map((v) => Int16Array.from(v)),
        all.length,
      )
        .filter((row) => all[row]!.some((x) => x !== 0))
        .slice(0, limit);
      const hits = scan(tableOf(all), query(asked, all.length, { limit }));
      expect(hits.map(({ row }) => row)).toEqual(expected);
    }),
  );
});

test("pages put together are the whole list", () => {
  fc.assert(
    fc.property(vectors, some, fc.integer({ min: 1, max: 5 }), (all, asked, limit) => {
      const table = tableOf(all);
      const whole = scan(table, query(asked, all.length, { limit: all.length })).map(({ row }) => row);
      const paged: number[] = [];
      for (let after: number | null = null; ; after = paged.at(-1)!) {
        const page = scan(table, query(asked, all.length, { limit, after }));
        paged.push(...page.map(({ row }) => row));
        if (page.length < limit) break;
      }
      expect(paged).toEqual(whole);
    }),
  );
});

test("looks at candidates, then at every row from `from` on, and at no other", () => {
  const table = tableOf([
    [9, 0, 0],
    [9, 1, 0],
    [9, 2, 0],
    [0, 9, 0],
    [0, 9, 9],
  ]);
  const hits = scan(table, query([1, 0, 0], 5, { candidates: Uint32Array.of(2, 3), from: 3 }));
  expect(hits.map(({ row }) => row)).toEqual([2, 3, 4]);
});

test("filters and exceptions", () => {
  const table = tableOf(Array.from({ length: 12 }, (_, i) => [1, i, 0]));
  const filter = { modality: null, submitter: 1, fromEpoch: 2, toEpoch: 9 };
  const rows = scan(table, query([1, 0, 0], 12, { filter, except: [5] })).map(({ row }) => row);
  expect(rows).toEqual([3, 7, 9]);
  const text = { modality: 1, submitter: null, fromEpoch: 0, toEpoch: 1e9 };
  expect(scan(table, query([1, 0, 0], 12, { filter: text })).map(({ row }) => row)).toEqual([1, 4, 7, 10]);
});

test("compares the leading dimensions alone when asked to", () => {
  const all = [
    [5, 1, 90],
    [1, 5, 0],
    [7, 0, 1],
  ];
  const table = tableOf(all);
  expect([...leadingDimensions(swap, Int16Array.of(5, 1, 90), 2)]).toEqual([1, 5]);
  const hits = scan(table, query([0, 1], 3, { leading: true }));
  expect(hits.map(({ row }) => row)).toEqual([2, 0, 1]);
  expect(hits[1]!.squaredNorm).toBe(26);
  expect(displayCosine(Int16Array.of(0, 1), Int16Array.of(1, 5))).toBeCloseTo(
    hits[1]!.dot / Math.sqrt(26),
    12,
  );
});
