import { GatewayClient } from "@soma/client";
import { vectorBytes } from "@soma/embedding";
import { TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PoolOperator } from "./operator.ts";
import { DIMENSION, recordedJob, submitter } from "./recorded.ts";

const jobs = Array.from({ length: 12 }, (_, number) => recordedJob(number, 16));
const [first, second] = [jobs[0]!.payload.job, jobs[1]!.payload.job];

const resources = new TestResources();
let url: string;
let client: GatewayClient;
beforeAll(async () => {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  const operator = await PoolOperator.open(resources, { nats, postgres, network: "routes" });
  await operator.record(jobs);
  await operator.startPool();
  url = await operator.startGateway(resources);
  client = new GatewayClient({ gateways: [url] });
});
afterAll(() => resources.close());

const post = (path: string, body: unknown) =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("the pool over HTTP", () => {
  test("says what it holds", async () => {
    expect(await client.pool()).toMatchObject({
      jobs: 12,
      vectors: 192,
      commit: 12n,
      dimension: DIMENSION,
      rotation: { leading: 16 },
    });
  });

  test("searches by item with little said, page after page", async () => {
    const answer = await post("/v1/search", { near: { job: first, item: 0 } });
    const page = (await answer.json()) as { hits: { job: string; item: number }[]; cursor: string };
    expect(answer.status).toBe(200);
    expect(page.hits).toHaveLength(10);
    expect(page.hits[0]).toMatchObject({ job: first, item: 0, modality: 1, epoch: "0" });
    const next = await client.search({ near: { job: first, item: 0 }, cursor: page.cursor });
    const seen = new Set(page.hits.map(({ job, item }) => `${job}:${item}`));
    expect(next.hits.some(({ job, item }) => seen.has(`${job}:${item}`))).toBe(false);
    const filter = { modality: null, submitter: submitter(2), fromEpoch: 1n, toEpoch: null };
    expect((await client.search({ near: { job: first, item: 0 }, filter })).hits).toEqual([]);
    const early = await client.search({
      near: { job: first, item: 0 },
      filter: { ...filter, fromEpoch: 0n },
    });
    expect(new Set(early.hits.map(({ payer }) => payer))).toEqual(new Set([submitter(2)]));
  });

  test("recommends and classifies", async () => {
    // Item i of job n is of topic (n + i) mod 16.
    const liked = await client.recommend({
      positive: [
        { job: first, item: 5 },
        { job: second, item: 4 },
      ],
      limit: 3,
    });
    const number = new Map(jobs.map(({ payload }, n) => [payload.job, n]));
    expect(liked.hits.map(({ job, item }) => (number.get(job)! + item) % 16)).toEqual([5, 5, 5]);
    const { items } = await client.classify({
      labels: [
        { label: "five", examples: [{ job: first, item: 5 }] },
        { label: "seven", examples: [{ job: first, item: 7 }] },
      ],
      items: [{ job: second, item: 4 }, { vector: [...jobs[1]!.vectors[6]!] }],
    });
    expect(items.map(({ labels }) => labels[0]!.label)).toEqual(["five", "seven"]);
  });

  test("gives a job's vectors, whole or in their leading dimensions", async () => {
    const leading = await fetch(`${url}/v1/embeddings/${second}?dimensions=4`);
    const bytes = Buffer.from(await leading.arrayBuffer());
    // The test's rotation brings coordinates 3, 8, 13 and 18 to the front, the first and fourth negated.
    const lead = (v: Int16Array) => Int16Array.of(-v[3]!, v[8]!, v[13]!, -v[18]!);
    expect(bytes).toEqual(Buffer.concat(jobs[1]!.vectors.map((v) => vectorBytes(lead(v)))));
    const whole = Buffer.from(await (await fetch(`${url}/v1/embeddings/${second}`)).arrayBuffer());
    expect(whole.includes(Buffer.from(jobs[1]!.payload.finals))).toBe(true);
  });

  test.each([
    ["/v1/search", {}, 422, "POOL_QUERY"],
    ["/v1/search", { vector: [1, 2] }, 422, "POOL_DIMENSION"],
    ["/v1/search", { vector: [1e6] }, 400, "GATEWAY_MALFORMED"],
    ["/v1/search", { near: { job: "00".repeat(32), item: 0 } }, 404, "POOL_ITEM_NOT_FOUND"],
    ["/v1/search", { near: { job: first, item: 0 }, limit: 101 }, 400, "GATEWAY_MALFORMED"],
    ["/v1/search", { near: { job: first, item: 0 }, cursor: "no" }, 422, "POOL_CURSOR"],
    ["/v1/search", { near: { job: first, item: 0 }, dimensions: 32 }, 422, "POOL_DIMENSION"],
    ["/v1/recommend", { positive: [] }, 400, "GATEWAY_MALFORMED"],
    ["/v1/recommend", { positive: [{ job: first, item: 2 }] }, 422, "POOL_QUERY_ZERO"],
    ["/v1/classify", { labels: [], items: [] }, 400, "GATEWAY_MALFORMED"],
  ])("refuses %s of %j", async (path, body, status, code) => {
    const answer = await post(path, body);
    expect(await answer.json()).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
  });
});
