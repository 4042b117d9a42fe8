import { connect } from "node:net";
import { eventually } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayOperator, Servers } from "./operator.ts";

const servers = new Servers();
let operator: GatewayOperator;
beforeAll(async () => {
  await servers.open();
  operator = await GatewayOperator.open(servers, "dribble", { env: { SOMA_GATEWAY_REQUEST_TIMEOUT: "1s" } });
});
afterAll(() => servers.close());

const HEAD = [
  "POST /v1/transactions HTTP/1.1",
  "host: x",
  "content-type: application/octet-stream",
  "content-length: 100000",
  "",
  "",
].join("\r\n");

/** Writes the rest a byte at a time for as long as it may, and gathers what it is told. */
function dribble(begin: string) {
  const socket = connect(Number(new URL(operator.url).port), "127.0.0.1");
  const dribbler = { told: "", isOver: false };
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    dribbler.told += bytes.toString();
  });
  const writing = setInterval(() => socket.write("x"), 50);
  socket.on("close", () => {
    clearInterval(writing);
    dribbler.isOver = true;
  });
  servers.resources.defer(() => void socket.destroy());
  socket.write(begin);
  return dribbler;
}

// Node by itself let the body go on for 60 to 90 seconds.
test.each([
  ["the body", HEAD],
  ["the headers", "POST /v1/transactions HTTP/1.1\r\nhost: x\r\nx-slow: "],
])("a client that dribbles %s is told so soon after its time is over, and cut off", async (_, begin) => {
  const dribblers = Array.from({ length: 10 }, () => dribble(begin));
  await eventually(() => dribblers.every(({ isOver }) => isOver), { within: 20_000 });
  for (const { told } of dribblers) {
    expect(told).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(JSON.parse(told.slice(told.indexOf("{")))).toMatchObject({
      status: 408,
      code: "GATEWAY_REQUEST_TIMEOUT",
    });
  }
  expect((await operator.get("/v1/health")).status).toBe(200);
});

test("what is no HTTP is answered as every other refusal", async () => {
  const dribbler = dribble("hello\r\n\r\n");
  await eventually(() => dribbler.isOver);
  expect(dribbler.told).toContain('"code":"GATEWAY_MALFORMED"');
});
