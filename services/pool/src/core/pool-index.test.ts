import { nearestByCosine } from "@soma/embedding";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PoolIndex, type RecordedJob } from "./pool-index.ts";

const job = (id: string, commit: bigint, vectors: number[][]): RecordedJob => ({
  job: id,
  commit,
  epoch: 0n,
  payer: "p",
  modality: 0,
  winner: "w",
  vectors: vectors.map((vector) => Int16Array.from(vector)),
});

test("finds by direction, not by length, and never a zero vector", () => {
  const index = new PoolIndex();
  index.add(
    job("a", 1n, [
      [10, 0],
      [0, 0],
      [0, 500],
    ]),
  );
  index.add(job("b", 2n, [[3000, 30]]));
  const hits = index.search(Int16Array.from([7, 0]), 3);
  expect(hits.map((hit) => [hit.recorded.job, hit.item])).toEqual([
    ["a", 0],
    ["b", 0],
    ["a", 2],
  ]);
  expect(index.search(Int16Array.from([0, 0]), 3)).toEqual([]);
});

test("a job is recorded once", () => {
  const index = new PoolIndex();
  index.add(job("a", 1n, [[1, 2]]));
  index.add(job("a", 9n, [[5, 5]]));
  expect([index.size, index.lastCommit]).toEqual([1, 1n]);
});

test("agrees with a full sort by cosine", () => {
  const vector = fc
    .array(fc.integer({ min: -200, max: 200 }), { minLength: 3, maxLength: 3 })
    .filter((v) => v.some((x) => x !== 0));
  fc.assert(
    fc.property(
      fc.array(vector, { minLength: 1, maxLength: 30 }),
      vector,
      fc.integer({ min: 1, max: 8 }),
      (all, query, limit) => {
        const index = new PoolIndex();
        index.add(job("a", 1n, all));
        const asked = Int16Array.from(query);
        const expected = nearestByCosine(
          asked,
          all.map((v) => Int16Array.from(v)),
          limit,
        );
        expect(index.search(asked, limit).map((hit) => hit.item)).toEqual(expected);
      },
    ),
  );
});
