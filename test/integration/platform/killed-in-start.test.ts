import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PostgresServer } from "@soma/launcher";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, expect, test } from "vitest";

const resources = new TestResources();
afterAll(() => resources.close());

const START = `
import { PostgresServer } from "@soma/launcher";
await PostgresServer.start({ dir: process.argv[1], volatile: true });
`;

test("a Postgres whose first start was killed in the midst starts the next time", async () => {
  const dir = await resources.folder();
  const child = spawn(process.execPath, ["--input-type=module", "-e", START, dir], {
    stdio: "inherit",
    detached: true,
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await eventually(
    () => ["cluster", "cluster.partial"].some((name) => existsSync(join(dir, name, "PG_VERSION"))),
    { within: 60_000 },
  );
  process.kill(-child.pid!, "SIGKILL");
  await ended;
  const postgres = resources.use(await PostgresServer.start({ dir, volatile: true }));
  expect(await postgres.createDatabase("whole")).toContain("/whole");
});
