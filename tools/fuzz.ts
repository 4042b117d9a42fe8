// Fuzzes the decoders that face a peer or a client: node tools/fuzz.ts [--target items] [--seed 7] [--runs 100000]
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { fixturesOf, keepFixture } from "../test/fuzz/harness/fixtures.ts";
import { Fuzzer } from "../test/fuzz/harness/fuzzer.ts";
import { TARGETS } from "../test/fuzz/targets/all.ts";

const { values } = parseArgs({
  options: {
    /** May be given several times; all targets without it. */
    target: { type: "string", multiple: true },
    seed: { type: "string", default: String(Math.floor(Date.now() / 86_400_000)) },
    runs: { type: "string", default: "50000" },
  },
});
const [seed, runs] = [Number(values.seed), Number(values.runs)];
const wanted = values.target ?? TARGETS.map(({ name }) => name);
const unknown = wanted.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0 || !Number.isSafeInteger(seed) || !Number.isSafeInteger(runs) || runs < 0) {
  console.error(
    `${unknown.length > 0 ? `no target ${unknown.join(", ")}; ` : ""}--seed and --runs are whole numbers; targets: ${TARGETS.map(({ name }) => name).join(" ")}`,
  );
  process.exit(2);
}

const fuzzer = new Fuzzer(new URL("../test/fuzz/targets/all.ts", import.meta.url));
let faults = 0;
let tried = 0;
const began = performance.now();
try {
  for (const target of wanted) {
    const { fault, inputs } = await fuzzer.run({ target, seed, runs, fixtures: fixturesOf(target) });
    tried += inputs;
    if (fault === undefined) {
      console.log(`ok   ${target}: ${inputs} inputs`);
      continue;
    }
    faults += 1;
    const path = relative(process.cwd(), keepFixture(target, fault.bytes));
    console.log(
      `FAIL ${target}: ${fault.reason}\n  kept as ${path}; repeat: node tools/fuzz.ts --target ${target} --runs 0`,
    );
  }
} finally {
  await fuzzer.close();
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `${wanted.length - faults} of ${wanted.length} targets hold, ${tried} inputs, seed ${seed}, ${seconds} s`,
);
process.exitCode = faults === 0 ? 0 : 1;
