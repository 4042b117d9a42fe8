import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toHex } from "@soma/base";
import { sha256Native } from "@soma/crypto/native";
import type { Genesis, Hex32 } from "@soma/protocol";
import { z } from "zod";

/** The checkout's root: models, samples and the tokenizer live there. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../../..");

const TokenizerSchema = z.looseObject({ sha256: z.string() });
const AnchorsSchema = z.looseObject({
  items: z.array(z.looseObject({ text: z.string() })),
  vectorsFile: z.string(),
  dimension: z.int(),
});

/** Hash of the governed text tokenizer (MASK-1). */
export function textTokenizer(): Hex32 {
  const text = readFileSync(join(ROOT, "models/tokenizer/manifest.json"), "utf8");
  return TokenizerSchema.parse(JSON.parse(text)).sha256;
}

/** SPACE-1's anchors as genesis binds them. */
export function anchors(): Genesis["anchors"] {
  const folder = join(ROOT, "models/space");
  const texts = readFileSync(join(folder, "anchors.json"));
  const { vectorsFile, dimension, items } = AnchorsSchema.parse(JSON.parse(texts.toString("utf8")));
  const vectors = readFileSync(join(folder, vectorsFile));
  const values = new Int16Array(vectors.buffer, vectors.byteOffset, vectors.length / 2);
  let norms = 0;
  for (let i = 0; i < items.length; i++) {
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += values[i * dimension + d]! ** 2;
    norms += Math.sqrt(sum);
  }
  return {
    texts: toHex(sha256Native(texts)),
    vectors: toHex(sha256Native(vectors)),
    meanNormSquared: BigInt(Math.round((norms / items.length) ** 2)),
  };
}

/** Folders of the encoders' models, in a fixed order. */
export function modelFolders(): string[] {
  return readdirSync(join(ROOT, "models"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(ROOT, "models", entry.name))
    .filter((folder) => readdirSync(folder).includes("model.onnx"))
    .sort();
}

/** Sample texts by file name. */
export function sampleTexts(): { name: string; text: string }[] {
  const folder = join(ROOT, "models/samples");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => ({
      name: name.replace(/\.txt$/, ""),
      text: readFileSync(join(folder, name), "utf8").trim(),
    }));
}
