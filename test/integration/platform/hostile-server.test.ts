import { createServer, type Server, type Socket } from "node:net";
import { EdgeDown } from "@soma/contracts";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { afterEach, expect, test } from "vitest";

// A peer's edge is a server that somebody else runs: whatever it sends, it costs whoever dials it bounded memory.

const INFO = `INFO ${JSON.stringify({ version: "2.10.0", max_payload: 1_048_576, proto: 1, headers: true })}\r\n`;
/** Far above what a socket's own buffers hold. */
const MAX_SENT = 48 * 1024 * 1024;
const ID = "ab".repeat(32);
const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

/** Serves INFO unless told otherwise, answers PING, and sends `bytes` again and again after `after` was heard. */
async function hostile(after: "connect" | "SUB", bytes: Buffer, options: { info?: boolean } = {}) {
  let sent = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (options.info !== false) socket.write(INFO);
    let first = true;
    const flood = () => {
      while (!socket.destroyed && sent < 2 * MAX_SENT) {
        const chunk = first ? bytes : Buffer.alloc(64 * 1024, bytes.subarray(-64 * 1024));
        first = false;
        sent += chunk.length;
        if (!socket.write(chunk)) {
          socket.once("drain", flood);
          return;
        }
      }
    };
    if (after === "connect") flood();
    socket.on("data", (data) => {
      const text = data.toString("latin1");
      if (text.includes("PING\r\n")) socket.write("PONG\r\n");
      if (after === "SUB" && text.includes("SUB ")) flood();
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, sent: () => sent };
}

const dial = (servers: string) =>
  Bus.open({
    servers,
    name: "peering",
    network: "edge",
    telemetry: Telemetry.silent("peering"),
    once: true,
    maxInboundMessage: 1024 * 1024,
  });

test.each([
  ["announces a message that never ends", "MSG x 1 900000000000\r\n"],
  ["announces one far beyond the bound", "MSG x 1 2000000000\r\n"],
  ["sends a line without end", "MSG "],
  ["sends what is not of the protocol", "\0".repeat(1024)],
])("the connection to a server that %s ends", async (_, bytes) => {
  const server = await hostile("SUB", Buffer.from(`${bytes}${"0".repeat(64 * 1024)}`));
  const bus = await dial(server.address);
  // It may end in the middle of this; what must not happen is that it hangs.
  await bus.subscribe(EdgeDown, { operator: ID, peer: ID }, () => {}).catch(() => undefined);
  expect(await bus.closed).toBeInstanceOf(Error);
  expect(server.sent()).toBeLessThan(MAX_SENT);
  await bus.close();
});

test("a server whose first line has no end is given up", async () => {
  const server = await hostile("connect", Buffer.alloc(64 * 1024, "I"), { info: false });
  await expect(dial(server.address)).rejects.toThrow();
  expect(server.sent()).toBeLessThan(MAX_SENT);
});
