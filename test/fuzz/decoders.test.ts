import { relative } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fixturesOf, keepFixture } from "./harness/fixtures.ts";
import { Fuzzer } from "./harness/fuzzer.ts";
import { TARGETS } from "./targets/all.ts";

// A fixed number of inputs from a fixed seed: the same run everywhere. Nightly it is longer and another one every day.
const isNightly = process.env["SOMA_FUZZ"] === "nightly";
const RUNS = isNightly ? 40_000 : 400;
const SEED = isNightly ? Math.floor(Date.now() / 86_400_000) : 1;

const fuzzer = new Fuzzer(new URL("./targets/all.ts", import.meta.url));
afterAll(() => fuzzer.close());

describe("whatever the bytes, a decoder answers with a value or a code of its own", () => {
  test.each(TARGETS.map(({ name }) => name))("%s", async (target) => {
    const { fault } = await fuzzer.run({ target, seed: SEED, runs: RUNS, fixtures: fixturesOf(target) });
    if (fault === undefined) return;
    const path = relative(process.cwd(), keepFixture(target, fault.bytes));
    expect.fail(
      `${fault.reason}\nkept as ${path}; repeat: node tools/fuzz.ts --target ${target} --runs 0` +
        ` (found with --seed ${SEED} --runs ${RUNS})`,
    );
  });

  test("no two targets share a name, and so their fixtures", () => {
    expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(TARGETS.length);
  });
});
