import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { holderName, isGone } from "./lease.ts";

/** A process id of this machine that nobody has any more. */
function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

test("a holder of this machine is gone when its process is; another machine's is waited for", () => {
  const me = holderName(undefined);
  expect(me).toBe(`${hostname()} ${process.pid}`);
  expect(isGone(`${hostname()} ${deadPid()}`, me)).toBe(true);
  expect(isGone(`${hostname()} ${process.ppid}`, me)).toBe(false);
  expect(isGone(`elsewhere ${deadPid()}`, me)).toBe(false);
});

test("a holder is gone when it gave the lease back, or is the one who asks", () => {
  expect(isGone("", holderName("a"))).toBe(true);
  expect(isGone(holderName("a"), holderName("a"))).toBe(true);
  expect(isGone(holderName("b"), holderName("a"))).toBe(false);
  expect(isGone(holderName(undefined), holderName("a"))).toBe(false);
});
