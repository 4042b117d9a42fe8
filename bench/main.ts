// npm run bench [-- transfers ...] [--json FILE]: speed and its limit in one run on this machine.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { benchGrowth } from "./growth.ts";
import { benchInference } from "./inference.ts";
import { benchTransfers } from "./transfers.ts";

const PARTS: Record<string, (say: (text: string) => void) => Promise<unknown>> = {
  transfers: benchTransfers,
  inference: benchInference,
  growth: benchGrowth,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, help: { type: "boolean", short: "h" } },
});
const names = positionals.length === 0 ? Object.keys(PARTS) : positionals;
const unknown = names.filter((name) => PARTS[name] === undefined);
if (values.help === true || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no such part: ${unknown.join(", ")}`);
  console.log(`npm run bench -- [${Object.keys(PARTS).join("] [")}] [--json FILE]`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const results: Record<string, unknown> = {};
for (const name of names) {
  results[name] = await PARTS[name]!((text) => console.error(`${name}: ${text}`));
  console.log(name, results[name]);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
