import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Database, SessionLock } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { TestResources } from "@soma/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";

/** Longer than anybody would wait for a server that has the machine to itself. */
const SLOW_MS = 6_000;

const resources = new TestResources();
let slowUrl: string;
beforeAll(async () => {
  const postgres = await resources.postgres();
  const url = new URL(await postgres.createDatabase("soma"));
  const target = Number(url.port);
  const sockets = new Set<Socket>();
  // As on a machine where a whole network starts at once: each connection is there at once, and served late.
  const proxy = createServer((socket) => {
    const server = connect(target, "127.0.0.1");
    for (const end of [socket, server]) {
      sockets.add(end);
      end.on("error", () => {});
    }
    socket.on("close", () => server.destroy());
    server.on("close", () => socket.destroy());
    server.pipe(socket);
    setTimeout(() => socket.pipe(server), SLOW_MS);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  resources.use({
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  });
  url.port = String((proxy.address() as AddressInfo).port);
  slowUrl = url.href;
});
afterAll(() => resources.close());

test("a service waits for a database that is slow to serve a connection, at its start and later", async () => {
  const database = resources.use(
    await Database.open({ url: slowUrl, schema: "slow", telemetry: Telemetry.silent() }),
  );
  // Two at once need a connection more than the start left behind.
  const both = [1, 2].map((n) => sql<{ n: number }>`select ${n}::int as n`.execute(database.kysely));
  expect((await Promise.all(both)).map(({ rows }) => rows[0]!.n)).toEqual([1, 2]);
});

test("so does who wants to be the only one", async () => {
  const lock = await SessionLock.take({ url: slowUrl, name: "slow", waitMs: 0 });
  expect(lock).toBeDefined();
  await lock!.close();
});
