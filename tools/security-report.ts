// Writes the tables and charts of shared/docs/protocol/security.md. With --check nothing is written: it fails if what does
// not depend on draws differs from the page; --check --draw holds the drawn columns and charts against it too.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { rational } from "@soma/sampling";
import { svgText } from "../services/cli/src/sim/chart.ts";
import { progress } from "../services/cli/src/sim/progress.ts";
import { securityCharts } from "../services/cli/src/sim/security/charts.ts";
import { STUDIES } from "../services/cli/src/sim/security/core/question.ts";
import { makeStudies } from "../services/cli/src/sim/security/study.ts";
import { securityTables } from "../services/cli/src/sim/security/tables.ts";
import { markdownLines, type StudyTable } from "../services/cli/src/sim/study-table.ts";

const FOLDER = join(import.meta.dirname, "../shared/docs/protocol");
const PAGE = join(FOLDER, "security.md");
const CHARTS = join(FOLDER, "charts");
const isCheck = process.argv.includes("--check");
const isDrawn = !isCheck || process.argv.includes("--draw");
/** As in the command that the page names. */
const DRAWS = 300;

const report = await makeStudies(
  {
    dishonest: rational(1n, 3n),
    budget: rational(1n, 10n ** 13n),
    jobsPerSecond: 100_000,
    encoders: 300,
    draws: isDrawn ? DRAWS : 1,
    seed: 1,
  },
  STUDIES,
  { threads: availableParallelism(), onProgress: isDrawn ? progress("drawing") : () => {} },
);
const tables = securityTables(report);
const drawnNames = tables.filter(({ columns }) => columns.some((column) => column.isDrawn));

/** Where a table stands in the page, its markers included. */
function place(page: string, { name }: StudyTable): [from: number, to: number] {
  const from = page.indexOf(`<!-- table ${name} -->`);
  const to = page.indexOf("<!-- end -->", from);
  if (from === -1 || to === -1) throw new Error(`${PAGE} has no place for the table ${name}`);
  return [from, to];
}

function block(table: StudyTable): string {
  return [`<!-- table ${table.name} -->`, "", ...markdownLines(table), "", ""].join("\n");
}

/** The block without its drawn cells. */
function undrawn(text: string, { columns }: StudyTable): string {
  const blank = (line: string) =>
    line
      .split(" | ")
      .map((part, i) => (columns[i]?.isDrawn ? "" : part))
      .join(" | ");
  return text
    .split("\n")
    .map((line) => (line.startsWith("|") ? blank(line) : line))
    .join("\n");
}

function checked(): string[] {
  const page = readFileSync(PAGE, "utf8");
  const stale = tables.filter((table) => {
    const present = page.slice(...place(page, table));
    return isDrawn ? present !== block(table) : undrawn(present, table) !== undrawn(block(table), table);
  });
  const charts = securityCharts(report)
    .filter(({ name }) => isDrawn || drawnNames.every((table) => table.name !== name))
    .filter((chart) => readFileSync(join(CHARTS, `${chart.name}.svg`), "utf8") !== svgText(chart));
  return [...stale.map(({ name }) => `table ${name}`), ...charts.map(({ name }) => `charts/${name}.svg`)];
}

function write(): void {
  let page = readFileSync(PAGE, "utf8");
  for (const table of tables) {
    const [from, to] = place(page, table);
    page = page.slice(0, from) + block(table) + page.slice(to);
  }
  writeFileSync(PAGE, page);
  mkdirSync(CHARTS, { recursive: true });
  for (const chart of securityCharts(report))
    writeFileSync(join(CHARTS, `${chart.name}.svg`), svgText(chart));
}

if (isCheck) {
  for (const stale of checked()) {
    console.error(`${stale} is stale; run: node tools/security-report.ts`);
    process.exitCode = 1;
  }
} else write();
