// What the shipped encoders are worth, alone and together: node models/evaluate/main.ts --help
import { parseArgs } from "node:util";
import { SomaError } from "@soma/base";
import { MAX_ITEMS } from "@soma/embedding";
import { CACHE_FOLDER } from "./embed-items.ts";
import { evaluate } from "./evaluate.ts";
import { loadHeldOut } from "./held-out.ts";
import { report } from "./report.ts";

const HELP = `Usage: node models/evaluate/main.ts [options]

Embeds the held-out set wordnet-heldout-v1 with every shipped encoder and with the trained bag of words, plays the
jobs as the network does, and reports recall@10, differential loss, outlier factors, ranks and jobs won.

  --queries N     only N queries, evenly spaced (default: all)
  --documents N   only N documents, those that answer the queries among them (default: all)
  --job-items N   items of a job, 1..${MAX_ITEMS} (default: 64)
  --seed S        seed of the bootstrap (default: 1)
  --json          print the findings as JSON
  --no-cache      embed everything anew; else embeddings are kept in models/evaluate/.cache
  --help          print this

Examples:
  node models/evaluate/main.ts
  node models/evaluate/main.ts --queries 300 --documents 800
  node models/evaluate/main.ts --job-items 1 --json > findings.json`;

function whole(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new SomaError(
      "EVALUATION_OPTION",
      `--${name} takes a whole number from ${low} to ${high}, not ${text}`,
    );
  }
  return value;
}

let shown = 0;

/** One line that is rewritten on a terminal; elsewhere a line for each step that ends. */
function showProgress(what: string, done: number, total: number): void {
  const line = `${what}: ${done} of ${total}`;
  if (process.stderr.isTTY) {
    if (done < total && performance.now() - shown < 100) return;
    shown = performance.now();
    process.stderr.write(`\r\x1b[K${line}${done === total ? "\n" : ""}`);
  } else if (done === total) process.stderr.write(`${line}\n`);
}

try {
  const { values } = parseArgs({
    options: {
      queries: { type: "string" },
      documents: { type: "string" },
      "job-items": { type: "string", default: "64" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      cache: { type: "boolean", default: true },
      help: { type: "boolean", default: false },
    },
    allowNegative: true,
  });
  if (values.help) console.log(HELP);
  else {
    const count = (name: "queries" | "documents") =>
      values[name] === undefined ? undefined : whole(name, values[name], 2, 1_000_000);
    const findings = await evaluate({
      heldOut: loadHeldOut({ queries: count("queries"), documents: count("documents") }),
      seed: whole("seed", values.seed, 0, 0xffff_ffff),
      itemsPerJob: whole("job-items", values["job-items"], 1, MAX_ITEMS),
      cache: values.cache ? CACHE_FOLDER : null,
      onProgress: showProgress,
    });
    console.log(values.json ? JSON.stringify(findings, null, 2) : report(findings));
  }
} catch (error) {
  const known = error instanceof SomaError || (error instanceof TypeError && "code" in error);
  console.error(known ? `${error.message}\nSee --help.` : error);
  process.exitCode = 1;
}
