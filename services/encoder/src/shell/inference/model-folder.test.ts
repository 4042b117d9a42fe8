import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadModelFolder, loadTokenizerFolder } from "./model-folder.ts";

const models = join(import.meta.dirname, "../../../../../models");
const tokenizer = loadTokenizerFolder(join(models, "tokenizer"));
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function copyOf(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "soma-model-"));
  folders.push(folder);
  cpSync(join(models, name), folder, { recursive: true });
  return folder;
}

function edit(folder: string, change: (manifest: Record<string, unknown>) => void): void {
  const path = join(folder, "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
}

describe("loadModelFolder", () => {
  test("reads what a session needs", () => {
    expect(loadModelFolder(join(models, "bigru"), tokenizer)).toMatchObject({
      name: "bigru",
      input: "input_ids",
      output: "tokens",
      dimension: 256,
      pooling: "masked-sum",
      tokenizer: { maskId: 2, padId: 1 },
    });
  });

  test.each<[string, string, (folder: string) => void]>([
    ["a changed file", "MODEL_FILE", (folder) => writeFileSync(join(folder, "model.onnx"), "x")],
    ["a missing file", "MODEL_FILE", (folder) => rmSync(join(folder, "model.onnx"))],
    ["no manifest", "MODEL_MANIFEST", (folder) => rmSync(join(folder, "manifest.json"))],
    [
      "another pooling",
      "MODEL_MANIFEST",
      (folder) =>
        edit(folder, (manifest) => {
          manifest.pooling = { kind: "max" };
        }),
    ],
    [
      "another tokenizer",
      "MODEL_TOKENIZER",
      (folder) =>
        edit(folder, (manifest) => {
          manifest.tokenizer = { id: "other", sha256: "00".repeat(32) };
        }),
    ],
  ])("%s is refused with %s", (_, code, spoil) => {
    const folder = copyOf("salience");
    spoil(folder);
    expect(() => loadModelFolder(folder, tokenizer)).toThrow(expect.objectContaining({ code }));
  });
});
