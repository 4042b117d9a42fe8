// Plays the embedding game with rational agents and writes shared/docs/protocol/game-report.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { measureAll, renderReport } from "../test/sim/game/report.ts";

const jobs = Number(process.argv[2] ?? 100);
const firstSeed = Number(process.argv[3] ?? 1);
if (!Number.isInteger(jobs) || jobs < 1 || !Number.isInteger(firstSeed) || firstSeed < 0) {
  console.error("usage: node tools/game-report.ts [jobs a strategy] [first seed]");
  process.exit(2);
}
const options = { firstSeed, jobs };
const page = renderReport(measureAll(options), options);
mkdirSync("shared/docs/protocol", { recursive: true });
writeFileSync("shared/docs/protocol/game-report.md", page);
console.log("shared/docs/protocol/game-report.md");
