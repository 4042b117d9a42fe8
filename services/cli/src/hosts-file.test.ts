import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readHosts, writeHosts } from "./hosts-file.ts";

describe("a file of hosts", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "soma-hosts-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is for its owner alone, and gives each operator its own environment", async () => {
    const path = join(folder, "hosts", "encoders.json");
    writeHosts(path, [
      { services: ["rewards"], env: { SOMA_OPERATOR: "v0" } },
      { services: ["shard-selection", "rewards"], env: { SOMA_OPERATOR: "v1" } },
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const hosts = await readHosts(path);
    expect(hosts.map(({ services }) => services.map(({ name }) => name))).toEqual([
      ["rewards"],
      ["shard-selection", "rewards"],
    ]);
    expect(hosts.map(({ env }) => env)).toEqual([{ SOMA_OPERATOR: "v0" }, { SOMA_OPERATOR: "v1" }]);
  });

  test.each([
    ["[", "CLI_HOSTS", /cannot be read as JSON/],
    ["[]", "CLI_HOSTS", /no list of hosts/],
    [`[{"services":[],"env":{}}]`, "CLI_HOSTS", /0\.services/],
    [`[{"services":["rewards"],"env":{"A":1}}]`, "CLI_HOSTS", /0\.env\.A/],
    [`[{"services":["rewards"],"env":{},"more":1}]`, "CLI_HOSTS", /more/],
    [`[{"services":["oracle"],"env":{}}]`, "CLI_SERVICE", /no service is called oracle/],
  ])("of other content, %s, is refused", async (content, code, message) => {
    const path = join(folder, "other.json");
    writeFileSync(path, content);
    const refused = readHosts(path);
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
  });

  test("that is not there is refused", async () => {
    await expect(readHosts(join(folder, "none"))).rejects.toMatchObject({ code: "CLI_HOSTS" });
  });
});
