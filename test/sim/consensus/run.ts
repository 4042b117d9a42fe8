import { parseArgs } from "node:util";
import { simulate, sumCoverage } from "./simulate.ts";

// Repeats one seed with its trace, or looks for failing ones: npx node test/sim/consensus/run.ts --seed 7 [--count 1000]
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "1" },
    validators: { type: "string" },
    "chaos-ms": { type: "string" },
  },
});
const results = [];
const started = performance.now();
for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.count); seed++) {
  const result = simulate({
    seed,
    ...(values.validators === undefined ? {} : { validators: Number(values.validators) }),
    ...(values["chaos-ms"] === undefined ? {} : { chaosMs: Number(values["chaos-ms"]) }),
  });
  results.push(result);
  if (result.verdict.kind !== "pass") console.log(result.failure);
}
console.log(sumCoverage(results));
const kinds = Map.groupBy(results, ({ verdict }) => verdict.kind);
for (const [kind, list] of kinds)
  console.log(kind, list.length, kind === "pass" ? "" : list.map(({ seed }) => seed).join(" "));
console.log(
  `${results.reduce((sum, { events }) => sum + events, 0)} events, ${((performance.now() - started) / 1000).toFixed(1)} s`,
);
process.exitCode = results.some(({ verdict }) => verdict.kind !== "pass") ? 1 : 0;
