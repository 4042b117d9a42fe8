import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fixturesOf, keepFixture } from "./fixtures.ts";
import { Fuzzer } from "./fuzzer.ts";

const folder = mkdtempSync(join(tmpdir(), "soma-fuzz-"));
const fuzzer = new Fuzzer(new URL("./mutants.ts", import.meta.url), 2_000);
afterAll(async () => {
  await fuzzer.close();
  rmSync(folder, { recursive: true });
});
const run = (target: string, fixtures: readonly Uint8Array[] = [], runs = 600) =>
  fuzzer.run({ target, seed: 1, runs, fixtures });

describe("the fuzzer", () => {
  test("lets a sound decoder pass, with as many inputs as it was asked for", async () => {
    expect(await run("sound")).toEqual({ fault: undefined, inputs: 601 });
  });

  test.each([
    ["throws", /^it threw: RangeError: past the end/],
    ["other-code", /^refused with SURPRISE/],
    ["reads-behind", /^in a larger buffer the answer is taken, alone SHORT/],
    ["not-canonical", /^taken, and encodes to other bytes/],
    ["writes", /^the decoder changed its input/],
    ["dawdles", /ms of CPU/],
    ["inflates", /became more than \d+ values/],
    ["hangs", /^it hangs/],
    ["hoards", /^it takes more than \d+ MB/],
  ])("finds the decoder that %s", async (target, reason) => {
    const { fault } = await run(target);
    expect(fault?.reason).toMatch(reason);
    // What was found once is found again at once, from its fixture alone.
    const path = keepFixture(target, fault!.bytes, folder);
    expect(new Uint8Array(readFileSync(path))).toEqual(fault!.bytes);
    const again = await run(target, fixturesOf(target, folder), 0);
    expect(again).toMatchObject({ inputs: 1, fault: { reason: expect.stringMatching(reason) } });
    // Also after a thread that hung or ran out of memory.
    expect(await run("sound", [], 10)).toEqual({ fault: undefined, inputs: 11 });
  });

  test("makes a failing input small", async () => {
    const { fault } = await run("throws");
    expect(fault!.bytes.length).toBeLessThan(12);
  });
});
