import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { expect, test } from "vitest";

const LOGGING = `
import { Telemetry } from "@soma/telemetry";
const { log } = Telemetry.open({ service: "state", operator: "v0", logLevel: "info" });
for (let i = 0; i < 2000; i++) log.info({ i }, "x".repeat(1000));
setTimeout(() => console.log("alive"), 100);
`;

test("a process whose log is on a full disk goes on", () => {
  const full = openSync("/dev/full", "a");
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", LOGGING], {
    stdio: ["ignore", "pipe", full],
    encoding: "utf8",
  });
  closeSync(full);
  expect([status, stdout]).toEqual([0, "alive\n"]);
});
