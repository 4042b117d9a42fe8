import { spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "@soma/testkit";
import { expect, test } from "vitest";

// A parent with two children, one that ends by itself and one that would stay for minutes.
const PARENT = `
import { spawn } from "node:child_process";
import { endWithUs } from "@soma/launcher";
for (const seconds of ["0", "300"]) {
  const child = spawn("sleep", [seconds], { detached: true, stdio: "ignore" });
  endWithUs(child);
  console.log(child.pid);
}
setInterval(() => {}, 1000);
`;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each(["SIGKILL", "SIGTERM"] as const)("a parent's %s ends the children that it left", async (signal) => {
  const parent = spawn(process.execPath, ["--input-type=module-typescript", "--eval", PARENT], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pids: number[] = [];
  for await (const chunk of parent.stdout) {
    pids.push(...String(chunk).trim().split("\n").map(Number));
    if (pids.length === 2) break;
  }
  expect(isRunning(pids[1]!)).toBe(true);
  parent.kill(signal);
  await once(parent, "exit");
  await eventually(() => !isRunning(pids[1]!));
});
