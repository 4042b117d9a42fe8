import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Span and metric attributes share the prefix and are no tags. */
const ATTRIBUTES = /^soma\.(job|deliveries|stream\.sequence|verdict|operator|network|epoch\.number)$/;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith(".ts") && !/\.(test|prop\.test|fixture)\.ts$/.test(entry.name),
    )
    .map((entry) => join(entry.parentPath, entry.name));
}

/** String literals that a tagged hash or a domain is made with. */
function tagsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const calls = [...text.matchAll(/(?:taggedHash|domain)\(\s*"(soma\.[a-z.-]+)"/g)].map((match) => match[1]!);
  const named = [...text.matchAll(/^\s*[a-zA-Z]+: "(soma\.[a-z.-]+)",$/gm)].map((match) => match[1]!);
  return [...calls, ...named].filter((tag) => !ATTRIBUTES.test(tag));
}

test("ARITH-5: every tag in the code is in the tables of the protocol's documents", () => {
  const documents = ["preimages.md", "evaluation.md", "edge.md"]
    .map((name) => readFileSync(join(ROOT, "shared/docs/protocol", name), "utf8"))
    .join("\n");
  const folders = ["crypto", "sampling", "embedding", "protocol"].map((name) =>
    join(ROOT, "shared", name, "src"),
  );
  const cores = readdirSync(join(ROOT, "services")).map((name) => join(ROOT, "services", name, "src"));
  const tags = new Set([...folders, ...cores].flatMap(sources).flatMap(tagsOf));
  expect(tags.size).toBeGreaterThan(30);
  expect([...tags].filter((tag) => !documents.includes(`\`${tag}\``))).toEqual([]);
});
