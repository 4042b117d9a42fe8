import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cli } from "./support/cli.ts";

// How `soma devnet` begins and ends when things do not go as they should.

const BASE_PORT = 6500;
const resources = new TestResources();
let folder: string;
let soma: Cli;

beforeAll(async () => {
  folder = await resources.folder();
  soma = new Cli(folder, { SOMA_DEVNET: join(folder, "devnet") });
});
afterAll(() => resources.close());

const devnet = (...flags: string[]) =>
  soma.start("devnet", "--folder", "devnet", "--base-port", String(BASE_PORT), ...flags);

/** Whether something listens at the network's ports: a network that has ended leaves nothing. */
async function listening(): Promise<number[]> {
  const ports = Array.from({ length: 17 }, (_, i) => BASE_PORT + i);
  const taken = await Promise.all(
    ports.map(
      (port) =>
        new Promise<boolean>((resolve) => {
          const server = createServer();
          server.once("error", () => resolve(true));
          server.listen(port, "127.0.0.1", () => server.close(() => resolve(false)));
        }),
    ),
  );
  return ports.filter((_, i) => taken[i]);
}

test("a port that is taken ends it in a sentence, and leaves nothing running", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(BASE_PORT + 3, "127.0.0.1", resolve));
  const { status, stderr } = await devnet().ended;
  expect(stderr).toBe(
    `error DEVNET_PORT: port ${BASE_PORT + 3} is taken; end what listens there (another soma devnet?), or begin at another with --base-port\n`,
  );
  expect(status).toBe(1);
  expect(await listening()).toEqual([BASE_PORT + 3]);
  await new Promise((resolve) => other.close(resolve));
});

test("numbers that are none are refused", async () => {
  for (const [flag, value] of [
    ["--validators", "0"],
    ["--validators", "x"],
    ["--base-port", "70000"],
  ] as const) {
    const { status, stderr } = await soma.run("devnet", "--folder", "devnet", flag, value);
    expect(stderr).toContain(`'${flag}`);
    expect(stderr).toContain("Give a whole number from");
    expect(status).toBe(1);
  }
});

test("without a network, commands say at once what to do", async () => {
  const nowhere = "127.0.0.1:1";
  for (const [args, said] of [
    [
      ["operators", "-g", `http://${nowhere}`],
      `GATEWAY_UNREACHABLE: no gateway answers at http://${nowhere}; start`,
    ],
    [["operators", "-g", "foo"], "CLI_OPTION: foo is not a gateway's URL"],
    [
      ["override", "status", "--nats", `nats://${nowhere}`, "--network", "x"],
      `CLI_OPERATOR_UNREACHABLE: no NATS server takes this at nats://${nowhere}`,
    ],
  ] as const) {
    const { status, stderr } = await soma.run(...args);
    expect(stderr).toContain(`error ${said}`);
    expect(status).toBe(1);
  }
});

test("cut off in its first start, by Ctrl-C or killed, it runs later all the same", async () => {
  const first = devnet("--once");
  await first.says(/nats-servers are up/, 120_000);
  first.interrupt();
  expect((await first.ended).status).toBe(130);
  expect(await listening()).toEqual([]);

  // The genesis file says that a network was begun, so whoever finds it finds what the network needs.
  const killed = devnet("--fresh");
  await eventually(() => existsSync(join(folder, "devnet/genesis.bin")), { within: 60_000 });
  killed.kill();
  await killed.ended;

  const second = devnet();
  await second.says(/ ready: /, 180_000);
  expect(existsSync(join(folder, "devnet/devnet.json"))).toBe(true);
  const shape = await soma.run("devnet", "--folder", "devnet", "--encoders", "3");
  expect(shape.stderr).toContain(
    "error DEVNET_SHAPE: the network in this folder was begun with --encoders 8;",
  );
  expect(shape.status).toBe(1);
  second.interrupt();
  expect((await second.ended).status).toBe(0);
  await eventually(async () => expect(await listening()).toEqual([]));
}, 400_000);
