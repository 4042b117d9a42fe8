import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ClassifyByPool,
  GetLeadingDimensions,
  GetPool,
  type Payload,
  RecommendFromPool,
  type Reply,
  SearchPool,
} from "@soma/contracts";
import { fromVectorBytes, nearestByCosine, vectorBytes } from "@soma/embedding";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PoolOperator } from "./operator.ts";
import { DIMENSION, type RecordedJob, recordedJob, submitter } from "./recorded.ts";

const ITEMS = 16;
const jobs = Array.from({ length: 50 }, (_, number) => recordedJob(number, ITEMS));
/** Every vector in the order of the ledger. */
const rows = rowsOf(jobs);

// The index's library is built when it is installed; without a compiler there is none, and every search is a scan.
const library: string = "hnswlib-node";
const hasIndex = await import(library).then(
  () => true,
  () => false,
);
const INDEXED = hasIndex ? 768 : 0;

const resources = new TestResources();
let operator: PoolOperator;
beforeAll(async () => {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  operator = await PoolOperator.open(resources, { nats, postgres, network: "pool" });
  await operator.record(jobs);
  await operator.startPool();
  await eventually(async () => expect((await status()).indexed).toBe(INDEXED), { within: 30_000 });
});
afterAll(() => resources.close());

function rowsOf(of: readonly RecordedJob[]) {
  return of.flatMap(({ payload, vectors }) =>
    vectors.map((vector, item) => ({ vector, item, ...payload, at: `${payload.job}:${item}` })),
  );
}

async function status(): Promise<Reply<typeof GetPool>> {
  const answer = await operator.ask(GetPool, {});
  if (!answer.ok) throw new Error(answer.code);
  return answer.value;
}

type Query = Partial<Payload<typeof SearchPool>>;
const listing = { filter: null, dimensions: null, exact: false, limit: 10, cursor: null } as const;
const free = { modality: null, submitter: null, fromEpoch: null, toEpoch: null } as const;

const search = (query: Query) => operator.ask(SearchPool, { vector: null, near: null, ...listing, ...query });

async function hitsOf(query: Query): Promise<Reply<typeof SearchPool>> {
  const answer = await search(query);
  if (!answer.ok) throw new Error(answer.code);
  return answer.value;
}

const placesOf = ({ hits }: Reply<typeof SearchPool>) => hits.map(({ job, item }) => `${job}:${item}`);

/** What an exact search has to find, by the embedding package's own definition. */
function nearest(query: Int16Array, limit: number, of = rows): string[] {
  const held = of.filter(({ vector }) => vector.some((x) => x !== 0));
  return nearestByCosine(
    query,
    held.map(({ vector }) => vector),
    limit,
  ).map((i) => held[i]!.at);
}

const queryOf = (row: number) => Int16Array.from(rows[row]!.vector, (x, j) => x + ((row * 31 + j * 17) % 80));

describe("search", () => {
  test("the index proposes what is nearest, and exact scans are exact", async () => {
    let found = 0;
    let asked = 0;
    for (let row = 0; row < rows.length; row += 40) {
      const vector = [...queryOf(row)];
      const expected = nearest(queryOf(row), 10);
      const exact = await hitsOf({ vector, exact: true });
      expect(placesOf(exact)).toEqual(expected);
      expect(exact).toMatchObject({ exact: true, total: rows.length, commit: 50n });
      const proposed = await hitsOf({ vector });
      expect(proposed.exact).toBe(!hasIndex);
      found += placesOf(proposed).filter((at) => expected.includes(at)).length;
      asked += 10;
    }
    expect(found / asked).toBeGreaterThan(0.98);
  });

  test("by id, the item itself first", async () => {
    const { at, job, item, vector } = rows[100]!;
    const answer = await hitsOf({ near: { job, item }, limit: 5 });
    expect(placesOf(answer)).toEqual(nearest(vector, 5));
    expect(placesOf(answer)[0]).toBe(at);
    expect(answer.hits[0]!.similarity).toBeCloseTo(1, 9);
  });

  test("pages are the whole list, and never repeat a hit", async () => {
    const pages = async (query: Query): Promise<string[]> => {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Reply<typeof SearchPool> = await hitsOf({ ...query, limit: 100, cursor });
        seen.push(...placesOf(page));
        cursor = page.cursor;
      } while (cursor !== null);
      return seen;
    };
    const vector = [...queryOf(77)];
    expect(await pages({ vector, exact: true })).toEqual(nearest(queryOf(77), rows.length));
    const proposed = await pages({ vector });
    expect(new Set(proposed).size).toBe(proposed.length);
  });

  test("filters by modality, epochs and submitter, few or many", async () => {
    const vector = [...queryOf(5)];
    for (const [filter, holds] of [
      [{ ...free, modality: 1 }, (row: (typeof rows)[0]) => row.modality === 1],
      [{ ...free, modality: 0 }, (row: (typeof rows)[0]) => row.modality === 0],
      [{ ...free, submitter: submitter(3) }, (row: (typeof rows)[0]) => row.payer === submitter(3)],
      [
        { ...free, fromEpoch: 1n, toEpoch: 2n },
        (row: (typeof rows)[0]) => row.epoch === 1n || row.epoch === 2n,
      ],
      [
        { ...free, submitter: submitter(4), modality: 0, fromEpoch: 3n },
        (row: (typeof rows)[0]) => row.payer === submitter(4) && row.modality === 0 && row.epoch >= 3n,
      ],
    ] as const) {
      const expected = nearest(queryOf(5), 20, rows.filter(holds));
      expect(placesOf(await hitsOf({ vector, filter, limit: 20, exact: true }))).toEqual(expected);
      const usual = placesOf(await hitsOf({ vector, filter, limit: 20 }));
      expect(usual.filter((at) => expected.includes(at)).length).toBeGreaterThanOrEqual(19);
    }
    const nobody = { ...free, submitter: "00".repeat(32) };
    expect((await hitsOf({ vector, filter: nobody })).hits).toEqual([]);
  });

  test("leading dimensions after the rotation, of the query or given as they are", async () => {
    // The test's rotation moves coordinate 5i + 3 to place i, negated for each third i.
    const lead = (v: Int16Array) =>
      Int16Array.from({ length: 8 }, (_, i) => v[(i * 5 + 3) % DIMENSION]! * (i % 3 === 0 ? -1 : 1));
    const led = rows.map((row) => ({ ...row, vector: lead(row.vector) }));
    const expected = nearest(lead(queryOf(9)), 10, led);
    const whole = await hitsOf({ vector: [...queryOf(9)], dimensions: 8 });
    expect(placesOf(whole)).toEqual(expected);
    expect(placesOf(await hitsOf({ vector: [...lead(queryOf(9))], dimensions: 8 }))).toEqual(expected);
    const answer = await operator.ask(GetLeadingDimensions, { job: jobs[4]!.payload.job, dimensions: 8 });
    if (!answer.ok) throw new Error(answer.code);
    expect(Buffer.from(answer.value)).toEqual(
      Buffer.concat(jobs[4]!.vectors.map((v) => vectorBytes(lead(v)))),
    );
    expect(fromVectorBytes(answer.value.subarray(0, 16), 8).ok).toBe(true);
  });

  test("bad questions have codes", async () => {
    const { job } = jobs[0]!.payload;
    const vector = [...queryOf(1)];
    for (const [query, code] of [
      [{}, "POOL_QUERY"],
      [{ vector, near: { job, item: 0 } }, "POOL_QUERY"],
      [{ vector: [1, 2, 3] }, "POOL_DIMENSION"],
      [{ vector: new Array(DIMENSION).fill(0) }, "POOL_QUERY_ZERO"],
      [{ near: { job, item: 2 } }, "POOL_QUERY_ZERO"],
      [{ near: { job, item: ITEMS } }, "POOL_ITEM_NOT_FOUND"],
      [{ near: { job: "ab".repeat(32), item: 0 } }, "POOL_ITEM_NOT_FOUND"],
      [{ vector, dimensions: 17 }, "POOL_DIMENSION"],
      [{ vector: [1, 2, 3], dimensions: 8 }, "POOL_DIMENSION"],
      [{ vector, cursor: "what" }, "POOL_CURSOR"],
      [{ vector, cursor: `${rows.length + 1}.0.1` }, "POOL_CURSOR"],
    ] as const) {
      expect(await search(query as Query)).toMatchObject({ ok: false, code });
    }
    const unknown = await operator.ask(GetLeadingDimensions, { job: "cd".repeat(32), dimensions: 8 });
    expect(unknown).toMatchObject({ ok: false, code: "POOL_ITEM_NOT_FOUND" });
  });
});

describe("classification and recommendation", () => {
  // Item i of job n is of topic (n + i) mod 16, and item 2 says nothing.
  const itemsOfTopic = (topic: number, from: number, to: number) =>
    rows
      .map(({ job, item }, row) => ({ job, item, row, topic: (Math.floor(row / ITEMS) + item) % 16 }))
      .filter(
        (one) => one.topic === topic && one.item !== 2 && one.row >= from * ITEMS && one.row < to * ITEMS,
      );
  const pointsOf = (topic: number, from: number, to: number) =>
    itemsOfTopic(topic, from, to).map(({ job, item }) => ({ job, item }));

  test("the nearest centroid of labelled examples is the item's topic", async () => {
    const labels = [0, 1, 2, 3].map((topic) => ({
      label: `topic ${topic}`,
      examples: pointsOf(topic, 0, 10),
    }));
    const items = [0, 1, 2, 3].flatMap((topic) => pointsOf(topic, 20, 30));
    const answer = await operator.ask(ClassifyByPool, { labels, items });
    if (!answer.ok) throw new Error(answer.code);
    const expected = [0, 1, 2, 3].flatMap((topic) => pointsOf(topic, 20, 30).map(() => `topic ${topic}`));
    expect(answer.value.items.map((item) => item.labels[0]!.label)).toEqual(expected);
    expect(answer.value.items[0]!.labels).toHaveLength(4);
    const vector = [...rows[20 * ITEMS]!.vector];
    const zero = { job: jobs[0]!.payload.job, item: 2 };
    const other = await operator.ask(ClassifyByPool, { labels, items: [{ vector }, zero] });
    if (!other.ok) throw new Error(other.code);
    expect(other.value.items[1]).toEqual({ labels: [] });
    expect(other.value.items[0]!.labels).toHaveLength(4);
  });

  test("labels that cannot be used are refused", async () => {
    const items = pointsOf(0, 20, 21);
    const good = { label: "good", examples: pointsOf(0, 0, 3) };
    const zero = { label: "zero", examples: [{ job: jobs[1]!.payload.job, item: 2 }] };
    const gone = { label: "gone", examples: [{ job: "ef".repeat(32), item: 0 }] };
    const short = { label: "short", examples: [{ vector: [1, 2] }] };
    for (const [labels, code] of [
      [[good, good], "POOL_LABEL_TWICE"],
      [[good, zero], "POOL_LABEL_EMPTY"],
      [[good, gone], "POOL_ITEM_NOT_FOUND"],
      [[good, short], "POOL_DIMENSION"],
    ] as const) {
      const question = { labels, items } as unknown as Payload<typeof ClassifyByPool>;
      expect(await operator.ask(ClassifyByPool, question)).toMatchObject({ ok: false, code });
    }
  });

  test("what is like some and unlike others, the examples left out", async () => {
    const positive = [...pointsOf(4, 0, 6), ...pointsOf(5, 0, 3)];
    const negative = pointsOf(5, 3, 9);
    const answer = await operator.ask(RecommendFromPool, { positive, negative, ...listing });
    if (!answer.ok) throw new Error(answer.code);
    const examples = new Set([...positive, ...negative].map(({ job, item }) => `${job}:${item}`));
    const topics = new Map(itemsOfTopic(4, 0, 50).map(({ job, item }) => [`${job}:${item}`, 4]));
    expect(answer.value.hits).toHaveLength(10);
    for (const at of placesOf(answer.value)) {
      expect(examples.has(at)).toBe(false);
      expect(topics.get(at)).toBe(4);
    }
    const cancelled = { positive: pointsOf(4, 0, 1), negative: [], ...listing };
    const opposite = rows.find(
      ({ at }) => at === `${cancelled.positive[0]!.job}:${cancelled.positive[0]!.item}`,
    )!;
    const both = [...cancelled.positive, { vector: [...opposite.vector.map((x) => -x)] }];
    expect(await operator.ask(RecommendFromPool, { ...cancelled, positive: both })).toMatchObject({
      ok: false,
      code: "POOL_QUERY_ZERO",
    });
  });
});

describe("the ledger and the disk", () => {
  test("a lost announcement is made good in the order of the ledger", async () => {
    const [lost, told] = [recordedJob(60, 4, 60n), recordedJob(61, 4, 61n)];
    await operator.record([lost]);
    await operator.record([told], true);
    await eventually(async () => expect((await status()).commit).toBe(61n));
    expect((await status()).jobs).toBe(52);
    for (const { payload } of [lost, told]) {
      const answer = await hitsOf({ near: { job: payload.job, item: 0 }, limit: 1 });
      expect(answer.hits[0]).toMatchObject({ job: payload.job, item: 0, payer: payload.payer });
    }
  });

  test.skipIf(!hasIndex)(
    "a restart keeps the index; a damaged or missing part is built anew, byte for byte",
    async () => {
      const before = await status();
      expect(before.segments.map(({ from, to }) => [from, to])).toEqual([
        [0, 512],
        [512, 768],
      ]);
      const folder = join(operator.folder, "pool-index");
      const written = await readdir(folder);
      await operator.stopPool();
      const path = join(folder, "segment-0-512.hnsw");
      const bytes = await readFile(path);
      const damaged = Buffer.from(bytes);
      damaged[5000]! ^= 0x40;
      await writeFile(path, damaged);
      await operator.startPool();
      await eventually(async () => expect((await status()).segments).toEqual(before.segments), {
        within: 30_000,
      });
      expect((await readFile(path)).equals(bytes)).toBe(true);
      expect((await readdir(folder)).sort()).toEqual(written.sort());
    },
  );

  test("a full pool says so and keeps what it has", async () => {
    await operator.stopPool();
    await operator.startPool({ SOMA_POOL_MAX_VECTORS: "100", SOMA_POOL_THREADS: "2" });
    const small = await status();
    expect(small).toMatchObject({ vectors: 96, jobs: 6, indexed: 0, segments: [] });
    const answers = await Promise.all([1, 2, 3, 4].map((row) => hitsOf({ vector: [...queryOf(row)] })));
    for (const [i, answer] of answers.entries()) {
      expect(placesOf(answer)).toEqual(nearest(queryOf(i + 1), 10, rows.slice(0, 96)));
    }
  });
});
