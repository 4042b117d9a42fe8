// Writes shared/docs/generated/ from what the code declares; with --check it fails if a page differs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeConfig } from "@soma/config";
import { registry } from "@soma/contracts";
import { openApiDocument } from "@soma/gateway";
import { PARAMETER_TABLE, type ParameterName } from "@soma/protocol";
import { PlatformConfig, ProcessConfig } from "@soma/runtime";
import { loadServices, SERVICE_NAMES } from "../services/cli/src/services.ts";

const FOLDER = join(import.meta.dirname, "../shared/docs/generated");
const NOTE = "<!-- made by tools/generate-docs.ts; do not edit -->";

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function messagesPage(): string {
  const messages = [...registry.messages()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = messages.map((message) => [
    `\`${message.name}\` v${message.version}`,
    `\`${message.space === "edge" ? "net." : ""}${message.template()}\``,
    message.kind,
    message.from.join(", "),
    message.to.join(", "),
    `${message.payload.format}, ${Math.ceil(message.payload.maxBytes / 1024)} KiB`,
    message.doc,
  ]);
  const streams = registry
    .streams()
    .map((stream) => [
      `\`${stream.name}\``,
      stream.owner,
      stream.retention,
      `${Math.round(stream.maxBytes / 1024 / 1024)} MiB`,
      stream.doc,
    ]);
  return [
    NOTE,
    "# Messages between services",
    "Inside an operator `soma.v1.<network>.` stands before the subject; at an edge `net.` does. Declared in `shared/contracts`.",
    table(["message", "subject", "kind", "from", "to", "payload, at most", "meaning"], rows),
    "## Streams",
    table(["stream", "owner", "retention", "at most", "meaning"], streams),
    "",
  ].join("\n\n");
}

function parametersPage(): string {
  const rows = (Object.keys(PARAMETER_TABLE) as ParameterName[]).map((name) => {
    const row = PARAMETER_TABLE[name];
    const devnet = "devnet" in row ? String(row.devnet) : "";
    return [`\`${name}\``, String(row.default), devnet, `${row.min} to ${row.max}`, row.unit, row.rule];
  });
  return [
    NOTE,
    "# Parameters",
    "The one table of governance parameters (`shared/protocol/src/parameter-table.ts`).",
    table(["name", "default", "devnet", "bounds", "unit", "rule"], rows),
    "",
  ].join("\n\n");
}

async function configPage(): Promise<string> {
  const sections = [
    { name: "every service", config: PlatformConfig as never },
    { name: "every process", config: ProcessConfig as never },
  ];
  for (const service of await loadServices(SERVICE_NAMES))
    sections.push({ name: service.name, config: service.config as never });
  const parts = sections.map(({ name, config }) => {
    const rows = describeConfig(config).map((v) => [
      `\`${v.env}\``,
      v.secret ? "secret" : v.default || "(empty)",
      v.doc,
    ]);
    return rows.length === 0 ? "" : `## ${name}\n\n${table(["variable", "default", "meaning"], rows)}`;
  });
  return [
    NOTE,
    "# Configuration",
    "Services are configured by environment variables.",
    ...parts.filter(Boolean),
    "",
  ].join("\n\n");
}

const pages: Record<string, string> = {
  "messages.md": messagesPage(),
  "parameters.md": parametersPage(),
  "configuration.md": await configPage(),
  "openapi.json": `${JSON.stringify(await openApiDocument(), null, 2)}\n`,
};
const isCheck = process.argv.includes("--check");
let stale = 0;
mkdirSync(FOLDER, { recursive: true });
for (const [name, content] of Object.entries(pages)) {
  const path = join(FOLDER, name);
  if (!isCheck) {
    writeFileSync(path, content);
    continue;
  }
  let present = "";
  try {
    present = readFileSync(path, "utf8");
  } catch {
    // Missing is stale.
  }
  if (present === content) continue;
  stale += 1;
  console.error(`${name} is stale; run: node tools/generate-docs.ts`);
}
// Loaded services hold handles (database drivers, threads) that would keep the process.
process.exit(stale === 0 ? 0 : 1);
