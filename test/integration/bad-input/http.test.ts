import { connect } from "node:net";
import { Rng } from "@soma/base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { counted } from "./counters.ts";
import { MeasuredOperator } from "./operator.ts";

let operator: MeasuredOperator;
beforeAll(async () => {
  operator = await MeasuredOperator.open("bad_http");
});
afterAll(() => operator.close());

const id = "ab".repeat(32);
const isWell = async () => {
  const response = await fetch(`${operator.url}/v1/health`);
  expect(response.status).toBe(200);
};
async function ask(path: string, init: RequestInit): Promise<{ status: number; code: string | undefined }> {
  const response = await fetch(operator.url + path, init);
  const text = await response.text();
  const isProblem = response.headers.get("content-type")?.includes("problem+json") === true;
  return {
    status: response.status,
    code: isProblem ? (JSON.parse(text) as { code: string }).code : undefined,
  };
}
const post = (body: string | Uint8Array, type: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": type },
  body: body as string,
});

test.each<[string, string, () => RequestInit, string]>([
  ["no JSON", "/v1/edge/admissions", () => post("{", "application/json"), "GATEWAY_MALFORMED"],
  [
    "deeply nested JSON",
    "/v1/search",
    () => post(`${"[".repeat(60_000)}${"]".repeat(60_000)}`, "application/json"),
    "GATEWAY_MALFORMED",
  ],
  [
    "a body beyond any bound",
    "/v1/search",
    () => post("1".repeat(400_000), "application/json"),
    "GATEWAY_BODY_TOO_LARGE",
  ],
  ["text for bytes", "/v1/transactions", () => post("x", "text/plain"), "GATEWAY_MALFORMED"],
  [
    "a blob of another hash",
    `/v1/blobs/${id}`,
    () => ({ method: "PUT", body: "other bytes" }),
    "GATEWAY_BLOB_HASH",
  ],
  ["a path out of the folder", "/v1/blobs/..%2f..%2fetc%2fpasswd", () => ({}), "GATEWAY_MALFORMED"],
  ["no route", "/v1/nothing", () => ({}), "GATEWAY_ROUTE_NOT_FOUND"],
])(
  "%s is refused with a code that is counted, and the next request is served",
  async (_, path, init, code) => {
    const before = await counted("soma_gateway_refused_total", { code });
    expect(await ask(path, init())).toMatchObject({ code });
    expect(await counted("soma_gateway_refused_total", { code })).toBe(before + 1);
    await isWell();
  },
);

/** The pool is away, and a well-formed search is told so. */
const AWAY = "REQUEST_NO_RESPONDER";

test("whatever is posted, the gateway blames the client or serves it, and never fails", async () => {
  const rng = new Rng(7);
  const paths = [
    "/v1/transactions",
    "/v1/search",
    "/v1/edge/admissions",
    `/v1/jobs/${id}/messages?recipient=${id}`,
  ];
  const texts = [
    "null",
    "[]",
    '{"vector":[1e999],"near":null,"limit":1}',
    '{"__proto__":{"limit":1}}',
    '"\\ud800"',
    "-0",
    "{}",
  ];
  const types = ["application/json", "application/octet-stream", "text/plain", "x/y; charset=none", ""];
  const odd: unknown[] = [];
  for (let i = 0; i < 400; i++) {
    const body = rng.chance(0.5) ? rng.pick(texts) : rng.bytes(rng.below(2_000));
    const path =
      rng.pick(paths) + (rng.chance(0.2) ? `?wait=${rng.pick(["-1", "1e9", "x", "1&wait=2", "%00"])}` : "");
    const { status, code } = await ask(path, post(body, rng.pick(types)));
    if ((status >= 500 && code !== AWAY) || (status >= 400 && code === undefined))
      odd.push({ path, status, code, body: String(body) });
  }
  expect(odd).toEqual([]);
  expect(await counted("soma_gateway_refused_total", { code: "GATEWAY_FAILED" })).toBe(0);
  await isWell();
});

test("clients that dribble hold up nobody", async () => {
  const { port } = new URL(operator.url);
  const head = [
    "POST /v1/transactions HTTP/1.1",
    "host: x",
    "content-type: application/octet-stream",
    "content-length: 100000",
    "",
    "",
  ].join("\r\n");
  const dribblers = Array.from({ length: 50 }, () => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(head);
    return { socket, dribble: setInterval(() => socket.write("x"), 50) };
  });
  for (let i = 0; i < 20; i++) await isWell();
  const before = await counted("soma_gateway_refused_total", { code: "GATEWAY_MALFORMED" });
  expect(await ask("/v1/transactions", post("x", "text/plain"))).toMatchObject({ code: "GATEWAY_MALFORMED" });
  expect(await counted("soma_gateway_refused_total", { code: "GATEWAY_MALFORMED" })).toBe(before + 1);
  expect(dribblers.filter(({ socket }) => !socket.destroyed).length).toBeGreaterThan(0);
  for (const { socket, dribble } of dribblers) {
    clearInterval(dribble);
    socket.destroy();
  }
  await isWell();
});
