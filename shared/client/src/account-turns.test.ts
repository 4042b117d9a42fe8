import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { accountTurns, type Turn } from "./account-turns.ts";

const GENESIS = "ab".repeat(32);
const ACCOUNT = "cd".repeat(32);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turns-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function turns(options: { account?: string; withinMs?: number } = {}): Turn {
  return accountTurns({ folder, genesis: GENESIS, account: ACCOUNT, ...options });
}

/** Runs until it is told to end; `began` once it has the turn. */
function occupy(turn: Turn) {
  let end = () => {};
  let began = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    began = resolve;
  });
  const done = turn(() => {
    began();
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  return { hasBegun, end: () => end(), done };
}

test("the next begins when the one before has ended", async () => {
  const first = occupy(turns());
  await first.hasBegun;
  const order: string[] = [];
  const second = turns()(async () => {
    order.push("second");
    return "its result";
  });
  // Once around the lock's polling, in which a second without a lock would have run.
  await new Promise((resolve) => setTimeout(resolve, 100));
  order.push("first ends");
  first.end();
  expect(await second).toBe("its result");
  expect(order).toEqual(["first ends", "second"]);
});

test("an error gives the turn back", async () => {
  await expect(turns()(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await turns()(async () => "next")).toBe("next");
});

test("other accounts do not wait", async () => {
  const first = occupy(turns());
  await first.hasBegun;
  expect(await turns({ account: "ef".repeat(32) })(async () => "at once")).toBe("at once");
  first.end();
  await first.done;
});

test("a process that is killed holds nobody up", async () => {
  const program = `
    const { accountTurns } = await import(${JSON.stringify(new URL("./account-turns.ts", import.meta.url).href)});
    const turn = accountTurns(${JSON.stringify({ folder, genesis: GENESIS, account: ACCOUNT })});
    await turn(async () => { console.log("has the turn"); setInterval(() => {}, 1000); await new Promise(() => {}); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const waiting = turns()(async () => "mine");
  child.kill("SIGKILL");
  expect(await waiting).toBe("mine");
});

test("without a lock it goes on: none in time, or nowhere to have one", async () => {
  const first = occupy(turns());
  await first.hasBegun;
  expect(await turns({ withinMs: 1 })(async () => "impatient")).toBe("impatient");
  first.end();
  await first.done;
  const file = join(folder, "file");
  writeFileSync(file, "");
  const nowhere = accountTurns({ folder: join(file, "below"), genesis: GENESIS, account: ACCOUNT });
  expect(await nowhere(async () => "alone")).toBe("alone");
});
