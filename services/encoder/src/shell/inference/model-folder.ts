import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import type { PoolingKind } from "@soma/embedding";
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const TokenizerSchema = z.looseObject({
  id: z.string(),
  sha256,
  kind: z.literal("sentencepiece-bpe"),
  file: z.string(),
  maskId: z.int(),
  padId: z.int(),
});

const ModelSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  modality: z.literal("text"),
  dimensions: z.int().min(1),
  maxTokens: z.int().min(2),
  tokenizer: z.looseObject({ id: z.string(), sha256 }),
  inputs: z.looseObject({ ids: z.string() }),
  output: z.string(),
  pooling: z.looseObject({ kind: z.enum(["masked-sum", "mean"]) }),
  files: z.record(z.string(), z.looseObject({ sha256 })),
});

/** The governed tokenizer of MASK-1, as a thread can be told of it. */
export interface TokenizerFiles {
  readonly id: string;
  /** SHA-256 of the model file in hex. */
  readonly sha256: string;
  readonly path: string;
  readonly maskId: number;
  readonly padId: number;
}

/** A model on disk whose files are what its manifest says; plain data, so that a thread can be told of it. */
export interface ModelFolder {
  readonly name: string;
  readonly version: string;
  /** Path of the ONNX graph. */
  readonly graph: string;
  /** Name of the graph's input: int64 [rows, length]. */
  readonly input: string;
  /** Name of its output: float32 [rows, length, dimension]. */
  readonly output: string;
  readonly dimension: number;
  /** Elements of an item at most. */
  readonly maxTokens: number;
  readonly pooling: PoolingKind;
  readonly tokenizer: TokenizerFiles;
}

/**
 * Reads a tokenizer folder. @throws SomaError MODEL_MANIFEST, MODEL_FILE (a file is missing or not what its
 * manifest says)
 */
export function loadTokenizerFolder(folder: string): TokenizerFiles {
  const { id, sha256, file, maskId, padId } = readManifest(TokenizerSchema, folder);
  const path = join(folder, file);
  checkFile(path, sha256);
  return { id, sha256, path, maskId, padId };
}

/** Reads a model folder. @throws also MODEL_TOKENIZER when the model was made for another tokenizer */
export function loadModelFolder(folder: string, tokenizer: TokenizerFiles): ModelFolder {
  const manifest = readManifest(ModelSchema, folder);
  for (const [file, { sha256 }] of Object.entries(manifest.files)) checkFile(join(folder, file), sha256);
  const graph = Object.keys(manifest.files).find((file) => file.endsWith(".onnx"));
  if (graph === undefined) throw new SomaError("MODEL_MANIFEST", `${folder} names no .onnx file`);
  if (manifest.tokenizer.sha256 !== tokenizer.sha256) {
    throw new SomaError(
      "MODEL_TOKENIZER",
      `${manifest.name} is for tokenizer ${manifest.tokenizer.id}, not ${tokenizer.id}`,
    );
  }
  return {
    name: manifest.name,
    version: manifest.version,
    graph: join(folder, graph),
    input: manifest.inputs.ids,
    output: manifest.output,
    dimension: manifest.dimensions,
    maxTokens: manifest.maxTokens,
    pooling: manifest.pooling.kind,
    tokenizer,
  };
}

function readManifest<T>(schema: z.ZodType<T>, folder: string): T {
  const path = join(folder, "manifest.json");
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new SomaError("MODEL_MANIFEST", `${path} cannot be read as a manifest`, {}, { cause });
  }
}

function checkFile(path: string, expected: string): void {
  let actual: string;
  try {
    actual = createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch (cause) {
    throw new SomaError("MODEL_FILE", `cannot read ${path}`, {}, { cause });
  }
  if (actual !== expected) throw new SomaError("MODEL_FILE", `${path} is not the file of its manifest`);
}
