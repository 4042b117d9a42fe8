// The whole network in virtual time: npm run sim -- --seed 4 --validators 4 --encoders 8 --minutes 10 [--count 100]
import { parseArgs } from "node:util";
import { addCoverage, noNetworkCoverage } from "../test/sim/network/coverage.ts";
import { type NetworkResult, simulateNetwork } from "../test/sim/network/simulate-network.ts";
import { sweep } from "../test/sim/network/sweep.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "1" },
    validators: { type: "string", default: "4" },
    encoders: { type: "string", default: "8" },
    /** Virtual minutes with faults; then everything heals. Without it, what the test suite's seeds last. */
    minutes: { type: "string" },
    mutant: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(`npm run sim -- [options]: the whole network in virtual time, with faults and adversaries

  --seed <n>        first seed (0)        --count <n>    seeds to play (1)
  --validators <n>  4 or more (4)         --minutes <m>  virtual minutes with faults
  --encoders <n>    4 or more (8)         --mutant <x>   with a fault built in, by name

A run that fails prints the command that repeats it.`);
  process.exit(0);
}

const first = Number(values.seed);
const count = Number(values.count);
const shape = {
  validators: Number(values.validators),
  encoders: Number(values.encoders),
  ...(values.minutes === undefined ? {} : { chaosMs: Math.round(Number(values.minutes) * 60_000) }),
};
const isLong = shape.chaosMs === undefined || shape.chaosMs >= 3_000;
const isSound = (value: number, least: number) => Number.isInteger(value) && value >= least;
if (
  !isLong ||
  !isSound(first, 0) ||
  !isSound(count, 1) ||
  !isSound(shape.validators, 4) ||
  !isSound(shape.encoders, 4)
) {
  console.error(
    "--seed is 0 or more, --count 1 or more, --validators and --encoders 4 or more, --minutes at least 0.05",
  );
  process.exit(2);
}

type Answer = Pick<
  NetworkResult,
  "seed" | "verdict" | "coverage" | "commits" | "events" | "virtualMs" | "failure" | "trace"
>;
const started = performance.now();
const coverage = noNetworkCoverage();
let failures = 0;

function show(answer: Answer): void {
  addCoverage(coverage, answer.coverage);
  const { seed, verdict, commits, events, virtualMs, trace } = answer;
  console.log(
    `seed ${seed}: ${verdict.kind}, ${commits} commits and ${events} events in ${(virtualMs / 1000).toFixed(1)} virtual seconds, trace ${trace.slice(0, 16)}`,
  );
  if (verdict.kind === "pass") return;
  failures += 1;
  console.log(answer.failure);
}

if (count === 1 && values.mutant === undefined) {
  show(simulateNetwork({ seed: first, ...shape }));
} else {
  let at = 0;
  const mutant = values.mutant === undefined ? {} : { mutant: values.mutant };
  await sweep(() => (at < count ? { options: { seed: first + at++, ...shape }, ...mutant } : null), {
    onAnswer: show,
  });
}
console.log(coverage);
console.log(`${count - failures} of ${count} pass, ${((performance.now() - started) / 1000).toFixed(1)} s`);
process.exitCode = failures === 0 ? 0 : 1;
