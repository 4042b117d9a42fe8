import { spawn } from "node:child_process";
import { join } from "node:path";
import { ok } from "@soma/base";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, freePort, type NatsServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GetPrice } from "./example-messages.ts";

const resources = new TestResources();
let nats: NatsServer;
beforeAll(async () => {
  nats = await resources.nats();
});
afterAll(() => resources.close());

let networks = 0;

/** The example service in a process of its own, or another program, and somebody to ask it. */
async function start(env: Record<string, string> = {}, program = "example-service.ts") {
  const network = `net${networks++}`;
  const healthPort = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, program)], {
    env: {
      ...process.env,
      SOMA_NETWORK: network,
      SOMA_OPERATOR: "a",
      SOMA_NATS_URL: nats.url,
      SOMA_HEALTH_PORT: String(healthPort),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const ready = new Promise((resolve) => child.once("message", resolve));
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (chunk: Buffer) => (output += chunk));
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  resources.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const bus = resources.use(
    await Bus.open({ servers: nats.url, name: "kitchen", network, telemetry: Telemetry.silent("kitchen") }),
  );
  const askHealth = (path: string) => fetch(`http://127.0.0.1:${healthPort}${path}`);
  const health = async (path: string) => (await askHealth(path)).status;
  return { child, exited, ready, network, bus, askHealth, health, output: () => output };
}

test("serves, tells its health and metrics, says each state once, and ends with 0 on SIGTERM", async () => {
  const metricsPort = await freePort();
  const shop = await start({ SOMA_LOG: "info", SOMA_METRICS_PORT: String(metricsPort) });
  expect(await shop.bus.request(GetPrice, {}, { dish: "soup" }, { timeoutMs: 20_000 })).toEqual(
    ok({ cents: 450 }),
  );
  expect(await shop.ready).toBe("ready");
  expect(await (await shop.askHealth("/readyz")).json()).toMatchObject({ services: { shop: {} } });
  expect(await shop.health("/livez")).toBe(200);
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(page).toMatch(
    /soma_bus_handled_total\{service="shop",operator="a",message="shop.get-price",verdict="accept"\} 1/,
  );
  expect(page).toMatch(/soma_service_state\{service="shop",operator="a",state="ready"\} 1/);
  shop.child.kill("SIGTERM");
  expect(await shop.exited).toBe(0);
  const states = shop
    .output()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter((line) => line.state !== undefined);
  expect(states.map((line) => line.state)).toEqual(["starting", "ready", "draining", "stopped"]);
  expect(states[0]).toMatchObject({ service: "shop", operator: "a", level: "info" });
}, 30_000);

test("is silent unless configured, and tells in plain words why it cannot start", async () => {
  const shop = await start({ SOMA_SHOP_DRAIN: "soon" });
  expect(await shop.exited).toBe(1);
  expect(shop.output()).toBe(
    "soma: SOMA_SHOP_DRAIN: not a duration such as 30s\nall variables: shared/docs/generated/configuration.md\n",
  );
});

test("ends with 1 when it fails", async () => {
  const shop = await start();
  await shop.bus.request(GetPrice, {}, { dish: "poison" }, { timeoutMs: 20_000 });
  expect(await shop.exited).toBe(1);
  expect(shop.output()).toBe("soma: the shop is on fire\n");
});

test("a signal that reaches it twice at once is one", async () => {
  const shop = await start({ SOMA_SHOP_DRAIN: "500ms" });
  expect((await shop.bus.request(GetPrice, {}, { dish: "soup" }, { timeoutMs: 20_000 })).ok).toBe(true);
  shop.child.kill("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 50));
  shop.child.kill("SIGTERM");
  expect(await shop.exited).toBe(0);
});

test("a second signal, or a drain without end, ends it all the same", async () => {
  const stubborn = await start({ SOMA_SHOP_DRAIN: "1h" });
  const bounded = await start({ SOMA_SHOP_DRAIN: "1h", SOMA_FORCE_AFTER: "300ms" });
  for (const { bus } of [stubborn, bounded])
    expect((await bus.request(GetPrice, {}, { dish: "soup" }, { timeoutMs: 20_000 })).ok).toBe(true);
  bounded.child.kill("SIGTERM");
  stubborn.child.kill("SIGTERM");
  await eventually(async () => (await stubborn.health("/readyz")) === 503);
  const insisting = setInterval(() => stubborn.child.kill("SIGTERM"), 100);
  expect(await stubborn.exited).toBe(130);
  clearInterval(insisting);
  expect(await bounded.exited).toBe(1);
  expect(bounded.output()).toBe("soma: not stopped within 300 ms\n");
});

test("operators that share a process share nothing else, and start and end together", async () => {
  const metricsPort = await freePort();
  const both = await start({ SOMA_LOG: "info", SOMA_METRICS_PORT: String(metricsPort) }, "example-hosts.ts");
  expect(await both.ready).toBe("ready");
  const other = resources.use(
    await Bus.open({
      servers: nats.url,
      name: "kitchen",
      network: `${both.network}-b`,
      telemetry: Telemetry.silent("kitchen"),
    }),
  );
  for (const bus of [both.bus, other])
    expect(await bus.request(GetPrice, {}, { dish: "soup" })).toEqual(ok({ cents: 450 }));
  const health = await (await both.askHealth("/readyz")).json();
  expect(health).toMatchObject({ ok: true, services: { "a/shop": {}, "b/shop": {} } });
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  for (const operator of ["a", "b"]) {
    const labels = `service="shop",operator="${operator}",message="shop.get-price",verdict="accept"`;
    expect(page).toContain(`soma_bus_handled_total{${labels}} 1`);
  }
  await other.request(GetPrice, {}, { dish: "poison" });
  expect(await both.exited).toBe(1);
  expect(both.output()).toContain("soma: the shop is on fire\n");
});

test("what is wrong with any operator of a process is told before one starts", async () => {
  const both = await start({ SOMA_SHOP_DRAIN: "soon", SOMA_FORCE_AFTER: "never" }, "example-hosts.ts");
  expect(await both.exited).toBe(1);
  expect(both.output()).toBe(
    "soma: SOMA_FORCE_AFTER: not a duration such as 30s\nSOMA_SHOP_DRAIN: not a duration such as 30s\n" +
      "all variables: shared/docs/generated/configuration.md\n",
  );
});
