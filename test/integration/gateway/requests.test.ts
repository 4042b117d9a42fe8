import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { ok } from "@soma/base";
import { type Submission, SubmitTransactions } from "@soma/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayOperator, Servers } from "./operator.ts";

const servers = new Servers();
let operator: GatewayOperator;
let folder: string;
let base: string;
beforeAll(async () => {
  await servers.open();
  operator = await GatewayOperator.open(servers, "requests", {
    env: {
      SOMA_GATEWAY_BLOB_BYTES: "64",
      SOMA_GATEWAY_BLOB_TOTAL_BYTES: "256",
      SOMA_GATEWAY_BLOB_UPLOADS: "2",
    },
  });
  folder = operator.dataFolder;
  base = operator.url;
});
afterAll(() => servers.close());

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const id = "ab".repeat(32);

describe("what a client may send", () => {
  test.each<[string, string, RequestInit, number, string]>([
    ["an unknown route", "/v1/nothing", {}, 404, "GATEWAY_ROUTE_NOT_FOUND"],
    ["an unknown method", "/v1/head", { method: "DELETE" }, 405, "GATEWAY_METHOD"],
    ["a path that is no URL", "/v1/blobs/%zz", {}, 400, "GATEWAY_MALFORMED"],
    ["a path out of the folder", "/v1/blobs/..%2f..%2fetc%2fpasswd", {}, 400, "GATEWAY_MALFORMED"],
    ["a very long parameter", `/v1/blobs/${"a".repeat(2_000)}`, {}, 414, "GATEWAY_MALFORMED"],
    ["a hash in capitals", `/v1/blobs/${"AB".repeat(32)}`, {}, 400, "GATEWAY_MALFORMED"],
    ["a blob that is not here", `/v1/blobs/${id}`, {}, 404, "GATEWAY_BLOB_NOT_FOUND"],
    ["no JSON", "/v1/search", post("application/json", "{"), 400, "GATEWAY_MALFORMED"],
    ["JSON of another form", "/v1/search", post("application/json", "[1]"), 400, "GATEWAY_MALFORMED"],
    [
      "a poisoned object",
      "/v1/search",
      post("application/json", '{"__proto__":{}}'),
      400,
      "GATEWAY_MALFORMED",
    ],
    ["no body", "/v1/search", { method: "POST" }, 400, "GATEWAY_MALFORMED"],
    ["text for bytes", "/v1/transactions", post("text/plain", "x"), 400, "GATEWAY_MALFORMED"],
    ["an unknown type", "/v1/transactions", post("image/png", "x"), 415, "GATEWAY_MALFORMED"],
    [
      "too large a body",
      "/v1/edge/admissions",
      post("application/json", `"${"x".repeat(5_000)}"`),
      413,
      "GATEWAY_BODY_TOO_LARGE",
    ],
    ["a wait that is no number", `/v1/transactions/${id}?wait=soon`, {}, 400, "GATEWAY_MALFORMED"],
    ["two waits", `/v1/transactions/${id}?wait=1&wait=2`, {}, 400, "GATEWAY_MALFORMED"],
    ["a negative wait", `/v1/jobs/${id}/messages?wait=-1`, {}, 400, "GATEWAY_MALFORMED"],
    [
      "a cursor beyond bigint",
      `/v1/jobs/${id}/messages?after=${"9".repeat(19)}`,
      {},
      400,
      "GATEWAY_MALFORMED",
    ],
    ["another hash's bytes", `/v1/blobs/${id}`, put("text"), 422, "GATEWAY_BLOB_HASH"],
    ["too large a blob", `/v1/blobs/${id}`, put("x".repeat(65)), 413, "GATEWAY_BLOB_TOO_LARGE"],
  ])("%s is a problem with a code", async (_, path, init, status, code) => {
    const response = await fetch(base + path, init);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(await response.json()).toMatchObject({ status, code });
    expect(response.status).toBe(status);
  });

  test("a path that no route has is told which are near, and a method which there are", async () => {
    const response = await fetch(`${base}/v1/account/${id}`);
    expect(await response.json()).toMatchObject({
      code: "GATEWAY_ROUTE_NOT_FOUND",
      nearest: expect.arrayContaining(["GET /v1/accounts/:address"]),
      document: "/v1/openapi.json",
    });
    const wrong = await fetch(`${base}/v1/blobs/${id}`, { method: "POST" });
    expect(wrong.headers.get("allow")).toBe("PUT, GET, HEAD");
  });

  test("what the mempool refuses has its code, and the tip that would have passed", async () => {
    const refusal = (code: string, minimumTip: bigint | null): Submission => ({
      $kind: "Refused",
      Refused: { code, message: "in words", minimumTip },
    });
    const said: Submission[] = [
      refusal("MEMPOOL_TIP_LOW", 2_000n),
      refusal("MEMPOOL_FULL", null),
      { $kind: "Admitted", Admitted: { digest: id, known: true } },
    ];
    const mempool = await operator.source.bus.respond(SubmitTransactions, {}, (batch) =>
      ok(batch.map(() => said.shift()!)),
    );
    const send = () => fetch(`${base}/v1/transactions`, post("application/octet-stream", "some bytes"));
    const low = await send();
    expect(low.status).toBe(422);
    expect(await low.json()).toMatchObject({ code: "MEMPOOL_TIP_LOW", minimumTip: "2000" });
    const full = await send();
    expect(full.status).toBe(429);
    expect(full.headers.get("retry-after")).toBe("1");
    expect(await full.json()).not.toHaveProperty("minimumTip");
    const taken = await send();
    expect(taken.status).toBe(202);
    expect(await taken.json()).toEqual({ digest: id, known: true });
    await mempool.close();
  });

  test("blobs come back, also the empty one, and a second put is no news", async () => {
    for (const bytes of [Buffer.from("a blob"), Buffer.alloc(0)]) {
      const url = `${base}/v1/blobs/${sha256(bytes)}`;
      expect((await fetch(url, { method: "PUT", body: bytes })).status).toBe(201);
      expect((await fetch(url, { method: "PUT", body: bytes })).status).toBe(200);
      expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(bytes);
      expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    }
  });

  test("an upload that breaks off leaves nothing, and more than a few at once are put off", async () => {
    const bytes = Buffer.from("slow");
    const begin = () =>
      connect(Number(new URL(base).port), "127.0.0.1")
        .setEncoding("utf8")
        .on("error", () => {});
    const slow = [begin(), begin()];
    for (const socket of slow) {
      socket.write(`PUT /v1/blobs/${sha256(bytes)} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nsl`);
    }
    const incoming = () => readdirSync(join(folder, "blobs/incoming")).length;
    await expect.poll(incoming).toBe(2);
    const response = await fetch(`${base}/v1/blobs/${id}`, put("more"));
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
    for (const socket of slow) socket.destroy();
    await expect.poll(incoming).toBe(0);
    expect(existsSync(join(folder, "blobs", sha256(bytes).slice(0, 2)))).toBe(false);
  });

  test("a flood of blobs is pruned before the regular time", async () => {
    const urls: string[] = [];
    for (let i = 0; i < 20; i++) {
      const bytes = Buffer.alloc(60, i);
      urls.push(`${base}/v1/blobs/${sha256(bytes)}`);
      expect((await fetch(urls.at(-1)!, { method: "PUT", body: bytes })).status).toBe(201);
    }
    const kept = await Promise.all(urls.map(async (url) => (await fetch(url, { method: "HEAD" })).status));
    expect(kept.filter((status) => status === 200).length).toBeLessThanOrEqual(6);
    expect(kept.at(-1)).toBe(200);
  });
});

function post(type: string, body: string): RequestInit {
  return { method: "POST", headers: { "content-type": type }, body };
}

function put(body: string): RequestInit {
  return { method: "PUT", body };
}
