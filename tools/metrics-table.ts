// Writes the table of metrics in shared/docs/observability.md from their declarations; with --check it fails if they differ.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "shared/docs/observability.md");
const BEGIN = "<!-- metrics: made by tools/metrics-table.ts -->";
const END = "<!-- metrics end -->";
const DECLARATION = /\b(counter|gauge|histogram)\(\s*"([a-z][a-z0-9_.]+)",\s*\{((?:[^{}"]|"[^"]*")*)\}/g;

export interface DeclaredMetric {
  readonly name: string;
  readonly kind: string;
  readonly unit: string;
  readonly doc: string;
  /** Its name in a scrape; a counter's has `_total` after it. */
  readonly family: string;
}

/** Every metric that a service or its platform declares, in the order of names. */
export function declaredMetrics(): DeclaredMetric[] {
  const found: DeclaredMetric[] = [];
  for (const root of ["services", "shared/runtime", "shared/storage"]) {
    for (const path of readdirSync(join(ROOT, root), { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".ts") || path.endsWith(".test.ts") || path.includes("node_modules")) continue;
      const source = readFileSync(join(ROOT, root, path), "utf8");
      for (const [, kind, name, spec] of source.matchAll(DECLARATION)) {
        const field = (key: string) => new RegExp(`\\b${key}:\\s*"([^"]*)"`).exec(spec!)?.[1];
        const [unit, doc] = [field("unit"), field("doc")];
        if (unit === undefined || doc === undefined) throw new Error(`${path}: ${name} has no unit or doc`);
        found.push({ name: name!, kind: kind!, unit, doc, family: `soma_${name!.replaceAll(".", "_")}` });
      }
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function table(): string {
  const rows = declaredMetrics().map(
    ({ family, kind, unit, doc }) =>
      `| \`${family}${kind === "counter" ? "_total" : ""}\` | ${kind} | ${unit} | ${doc} |`,
  );
  return ["| metric | kind | unit | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

if (import.meta.main) {
  const page = readFileSync(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${PAGE} has no place for the metrics`);
  const next = `${before}${BEGIN}\n${table()}\n${END}${after}`;
  if (process.argv.includes("--check")) {
    if (next !== page) {
      console.error("shared/docs/observability.md is old: run node tools/metrics-table.ts");
      process.exit(1);
    }
  } else writeFileSync(PAGE, next);
}
