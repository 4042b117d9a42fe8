import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { compareRational, parseDecimal, type Rational, rational } from "@soma/sampling";
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { parseCount, printJson, printLine } from "../output.ts";
import { type SecurityQuestion, STUDIES, type Study } from "../sim/security/core/question.ts";
import { colours as pc } from "../terminal.ts";

interface Flags extends Omit<SecurityQuestion, "jobsPerSecond"> {
  readonly jobs: number;
  readonly threads: number;
  readonly json?: boolean;
  readonly csv?: string;
  readonly svg?: string;
}

/** Every draw without replacement copies the roster. */
const MAX_ENCODERS = 100_000;
const MAX_DRAWS = 10_000_000;
const MAX_THREADS = 256;
const ZERO = rational(0n, 1n);
const HALF = rational(1n, 2n);
/** The search for sizes bounds tails in units of 2^-256. */
const LEAST_BUDGET = rational(1n, 10n ** 60n);

export function addSimCommand(program: Command): void {
  const sim = program
    .command("sim")
    .description("Studies of the protocol's rules: exact where that is possible, drawn beside it.")
    .addHelpText("after", "\nExample:\n  soma sim security");
  addSecurity(sim);
}

function addSecurity(sim: Command): void {
  sim
    .command("security")
    .description("How safe a shard is: its size, capture, stalls, and the time between such events.")
    .addArgument(new Argument("[studies...]", "which; default: all of them").choices(STUDIES))
    .addOption(
      new Option("--dishonest <share>", "of the stake, such as 0.25")
        .argParser(parseShare)
        .default(rational(1n, 3n), "1/3"),
    )
    .addOption(
      new Option("--budget <probability>", "of a dishonest quorum, a draw")
        .argParser(parseBudget)
        .default(rational(1n, 10n ** 13n), "1e-13"),
    )
    .option("--jobs <rate>", "jobs a second, for the times between events", parseRate, 100_000)
    .option("--encoders <count>", "in the simulated network", atMost(MAX_ENCODERS), 300)
    .option("--draws <count>", "simulated draws of each case", atMost(MAX_DRAWS), 2000)
    .option("--seed <number>", "of the draws", parseSeed, 1)
    .addOption(
      new Option("--threads <count>", "that draw")
        .argParser(atMost(MAX_THREADS))
        .default(availableParallelism(), "one a core"),
    )
    .option("--csv <folder>", "also write a table of each study there")
    .option("--svg <folder>", "also write a chart of each study there")
    .option("--json", "print a JSON object, exact fractions in it, instead of tables")
    .addHelpText(
      "after",
      `
Studies:
  sizes     shard size against network size, for both quorums (SHARD-1, SHARD-2)
  budgets   shard size against the probability allowed
  capture   a quorum, a final proof, a majority: exactly, by dishonest stake
  draws     the same by the ledger's own draw from equal, Zipf and whale stakes,
            rare ones by importance sampling, with 99 % intervals
  stalls    silent stake against the quorum; an attempt, and all three
  poisson   mean and median time between events (ECON-9)

The same seed gives the same output, on any number of threads. What the numbers
mean: shared/docs/protocol/security.md

Examples:
  soma sim security
  soma sim security stalls poisson --jobs 1000
  soma sim security capture --dishonest 0.2 --json | jq .capture
  soma sim security --draws 20000 --csv tables --svg charts`,
    )
    .action(runSecurity);
}

async function runSecurity(named: readonly Study[], flags: Flags): Promise<void> {
  // What draws and what charts is loaded by this command alone.
  const { makeStudies } = await import("../sim/security/study.ts");
  const { progress } = await import("../sim/progress.ts");
  const { dishonest, budget, encoders, draws, seed, jobs, threads } = flags;
  const question = { dishonest, budget, encoders, draws, seed, jobsPerSecond: jobs };
  const studies = named.length === 0 ? STUDIES : STUDIES.filter((study) => named.includes(study));
  const report = await makeStudies(question, studies, { threads, onProgress: progress("drawing") });
  const { securityTables } = await import("../sim/security/tables.ts");
  const { csvText, plainLines } = await import("../sim/study-table.ts");
  const tables = securityTables(report);
  if (flags.json) printJson((await import("../sim/security/report-json.ts")).reportJson(report));
  else {
    for (const table of tables) printLine(`${pc.bold(table.title)}\n${plainLines(table).join("\n")}\n`);
  }
  if (flags.csv !== undefined) {
    writeAll(
      flags.csv,
      tables.map((table) => [`${table.name}.csv`, csvText(table)]),
    );
  }
  if (flags.svg !== undefined) {
    const { securityCharts } = await import("../sim/security/charts.ts");
    const { svgText } = await import("../sim/chart.ts");
    writeAll(
      flags.svg,
      securityCharts(report).map((chart) => [`${chart.name}.svg`, svgText(chart)]),
    );
  }
}

/** @throws SomaError CLI_FOLDER */
function writeAll(folder: string, files: readonly (readonly [name: string, content: string])[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, content] of files) writeFileSync(join(folder, name), content);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SomaError("CLI_FOLDER", `${folder} cannot be written to: ${why}`, {}, { cause });
  }
  process.stderr.write(`${files.length} files written to ${folder}\n`);
}

/** A decimal, or a fraction of two whole numbers. */
function parseFraction(text: string): Rational | undefined {
  const fraction = /^(\d{1,9})\/([1-9]\d{0,8})$/.exec(text);
  if (fraction !== null) return rational(BigInt(fraction[1]!), BigInt(fraction[2]!));
  const decimal = parseDecimal(text);
  return decimal.ok ? decimal.value : undefined;
}

function parseShare(text: string): Rational {
  const share = parseFraction(text);
  const isShare = share !== undefined && compareRational(share, ZERO) > 0 && compareRational(share, HALF) < 0;
  if (!isShare || share.den > 10n ** 9n) {
    throw new InvalidArgumentError("A share more than 0 and less than a half, such as 1/3 or 0.25.");
  }
  return share;
}

function parseBudget(text: string): Rational {
  const budget = parseFraction(text);
  const isBudget =
    budget !== undefined && compareRational(budget, LEAST_BUDGET) >= 0 && compareRational(budget, HALF) < 0;
  if (!isBudget)
    throw new InvalidArgumentError("A probability from 1e-60 to less than a half, such as 1e-13.");
  return budget;
}

function parseRate(text: string): number {
  const value = Number(text);
  if (!(value >= 1e-9 && value <= 1e12)) throw new InvalidArgumentError("Jobs a second, from 1e-9 to 1e12.");
  return value;
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("A whole number from 0 on.");
  }
  return value;
}

function atMost(most: number): (text: string) => number {
  return (text) => {
    const count = parseCount(text);
    if (count > most) throw new InvalidArgumentError(`At most ${most.toLocaleString("en")}.`);
    return count;
  };
}
