import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { type EmbeddingBlob, EmbeddingBlobCodec, initialParameters, maxBlobBytes } from "@soma/protocol";
import type { MaskSettings } from "../../services/encoder/src/core/inference/item-rows.ts";
import { Embedder } from "../../services/encoder/src/shell/inference/embedder.ts";
import type { Encoder } from "./encoders.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Where embeddings are kept between runs; git ignores it. */
export const CACHE_FOLDER = join(import.meta.dirname, ".cache");
/** Items embedded at once, and of one file of the cache. */
const CHUNK = 64;

export const CHAIN_ID = "evaluation";
const { masks, maxTokens } = initialParameters("production");

/** MASK-2's stream as on a chain whose last block and beacon never change. */
export const MASK_SETTINGS: MaskSettings = {
  chainId: CHAIN_ID,
  lastBlock: new Uint8Array(32).fill(1),
  beacon: new Uint8Array(32).fill(2),
  modality: "text",
  masks,
  maxTokens,
};

/** Vectors of one item as an encoder reveals them (GAME-3). */
export type RevealedItem = EmbeddingBlob["items"][number];

export interface EmbedItemsOptions {
  /** Folder to keep embeddings in; null embeds everything anew. */
  readonly cache: string | null;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Every item's vectors by the encoder service's own inference. Kept by the hash of the graph, the items, the mask
 * settings and the code that embeds, so that nothing stale is read. @throws SomaError as the embedder refuses
 */
export async function embedItems(
  encoder: Encoder,
  items: readonly Uint8Array[],
  { cache, onProgress }: EmbedItemsOptions,
): Promise<RevealedItem[]> {
  const out: RevealedItem[] = [];
  const folder = cache === null ? null : openCache(cache, encoder);
  let embedder: Embedder | undefined;
  try {
    for (let at = 0; at < items.length; at += CHUNK) {
      const chunk = items.slice(at, at + CHUNK);
      const key = cacheKey(encoder, chunk);
      const path = folder === null ? null : join(folder, key);
      let vectors = path === null ? undefined : readChunk(path, key, encoder);
      if (vectors === undefined) {
        embedder ??= await Embedder.open({ model: encoder.model, sessions: availableParallelism() });
        const embedded = await embedder.embed(chunk, MASK_SETTINGS);
        if (!embedded.ok) throw new SomaError(embedded.code, embedded.message, { encoder: encoder.name });
        vectors = embedded.value.items.map(({ full, masks, inverses }) => ({
          full,
          masks: [...masks],
          inverses: [...inverses],
        }));
        if (path !== null) writeChunk(path, key, encoder, vectors);
      }
      out.push(...vectors);
      onProgress?.(out.length, items.length);
    }
  } finally {
    await embedder?.close();
  }
  return out;
}

function cacheKey(encoder: Encoder, items: readonly Uint8Array[]): string {
  const { lastBlock, beacon, ...settings } = MASK_SETTINGS;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([encoder.id, encoder.model.tokenizer.sha256, encoder.model.pooling, settings]));
  hash.update(lastBlock).update(beacon);
  for (const item of items) hash.update(createHash("sha256").update(item).digest());
  return hash.digest("hex");
}

let code: Buffer | undefined;

/** Of the sources that turn an item into vectors, and of the pinned versions of what they run on. */
export function codeDigest(): Buffer {
  if (code !== undefined) return code;
  const hash = createHash("sha256");
  const inference = ["core", "shell"].flatMap((side) => {
    const folder = `services/encoder/src/${side}/inference`;
    const names = readdirSync(join(ROOT, folder)).filter((name) => !name.endsWith(".test.ts"));
    return names.sort().map((name) => `${folder}/${name}`);
  });
  const rules = ["mask", "mask-stream", "pooling", "vector"].map((name) => `shared/embedding/src/${name}.ts`);
  for (const file of [...inference, ...rules]) hash.update(file).update(readFileSync(join(ROOT, file)));
  code = hash.update(readFileSync(join(ROOT, "services/encoder/package.json"))).digest();
  return code;
}

/** The encoder's folder under the code's, which is the only one that stays. */
function openCache(cache: string, encoder: Encoder): string {
  const ours = codeDigest().toString("hex").slice(0, 16);
  const folder = join(cache, ours, encoder.id.slice(0, 16));
  mkdirSync(folder, { recursive: true });
  for (const other of readdirSync(cache)) {
    if (other !== ours) rmSync(join(cache, other), { recursive: true });
  }
  return folder;
}

/** Undefined when the chunk is not there or is damaged. */
function readChunk(path: string, key: string, encoder: Encoder): RevealedItem[] | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  const most = maxBlobBytes(new Array<number>(CHUNK).fill(masks), encoder.model.dimension);
  const blob = decodeExact(EmbeddingBlobCodec, bytes, most);
  return blob.ok && blob.value.job === key && blob.value.encoder === encoder.id
    ? blob.value.items
    : undefined;
}

function writeChunk(path: string, key: string, encoder: Encoder, items: RevealedItem[]): void {
  const { dimension } = encoder.model;
  // Renamed into place, so that an interrupted run leaves no half of a file.
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, encode(EmbeddingBlobCodec, { job: key, encoder: encoder.id, dimension, items }));
  renameSync(draft, path);
}
