// npm run bench [-- transfers ...] [--minutes 60] [--seconds 20] [--json FILE]: speed and its limit in one run on this machine.
import { writeFileSync } from "node:fs";
import { inspect, parseArgs } from "node:util";
import { benchAdmission } from "./admission.ts";
import { benchGrowth } from "./growth.ts";
import { benchInference } from "./inference.ts";
import { benchLedger } from "./ledger.ts";
import { benchPool } from "./pool.ts";
import { benchSignatures } from "./signatures.ts";
import { benchSoak } from "./soak.ts";
import { benchTransfers } from "./transfers.ts";

type Say = (text: string) => void;
/** How long it lasts: the soak, and each measurement of transfers. */
interface Lengths {
  readonly minutes: number;
  readonly seconds: number;
}
const PARTS: Record<string, (say: Say, lengths: Lengths) => Promise<unknown>> = {
  transfers: benchTransfers,
  admission: benchAdmission,
  inference: benchInference,
  growth: benchGrowth,
  signatures: (say) => benchSignatures(say),
  ledger: (say) => benchLedger(say),
  pool: (say) => benchPool(say),
  soak: (say, { minutes }) => benchSoak(say, minutes),
};
/** What is run if nothing is named: all but the pool, which takes a quarter of an hour, the ledger, which takes minutes and 4 GB, and the soak, an hour. */
const USUAL = ["transfers", "admission", "inference", "growth", "signatures"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    minutes: { type: "string", default: "60" },
    seconds: { type: "string", default: "20" },
    help: { type: "boolean", short: "h" },
  },
});
const names = positionals.length === 0 ? USUAL : positionals;
const unknown = names.filter((name) => PARTS[name] === undefined);
const lengths: Lengths = { minutes: Number(values.minutes), seconds: Number(values.seconds) };
if (values.help === true || unknown.length > 0 || !(lengths.minutes > 0 && lengths.seconds > 0)) {
  if (unknown.length > 0) console.error(`no such part: ${unknown.join(", ")}`);
  console.log(
    `npm run bench -- [${Object.keys(PARTS).join("] [")}] [--minutes N (of the soak)] [--seconds N (of each\nmeasurement of transfers)] [--json FILE]\n` +
      `without names: ${USUAL.join(", ")}`,
  );
  process.exit(values.help === true ? 0 : 2);
}
const results: Record<string, unknown> = {};
for (const name of names) {
  results[name] = await PARTS[name]!((text) => console.error(`${name}: ${text}`), lengths);
  console.log(name, inspect(results[name], { depth: null }));
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
