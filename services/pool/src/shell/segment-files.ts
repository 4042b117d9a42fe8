import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { vectorBytes } from "@soma/embedding";
import { z } from "zod";
import type { Segment, VectorTable } from "../core/index.ts";
import { direction, HNSW, HNSW_LIBRARY, type Hnsw, loadHnsw } from "./hnsw.ts";

const ManifestSchema = z.strictObject({
  library: z.string(),
  dimension: z.int(),
  m: z.int(),
  efConstruction: z.int(),
  seed: z.int(),
  from: z.int(),
  to: z.int(),
  /** SHA-256 of the rows' vectors, int16 little endian. */
  vectors: z.string(),
  /** SHA-256 of the index file. */
  file: z.string(),
});
type Manifest = z.output<typeof ManifestSchema>;

export interface SegmentFile extends Segment {
  readonly path: string;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** `kept` was there whole and right; `damaged` was not, and was built anew as `missing` was. */
  readonly found: "kept" | "missing" | "damaged";
}

const nameOf = ({ from, to }: Segment) => `segment-${from}-${to}`;

/**
 * The index of the rows of a segment as a file: the one that is there if it is of these very vectors and undamaged,
 * else built from scratch, in the order of the rows, with a fixed seed, so that the same rows make the same bytes.
 * @throws SomaError POOL_NO_HNSW
 */
export async function provideSegment(
  folder: string,
  table: VectorTable,
  segment: Segment,
): Promise<SegmentFile> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${nameOf(segment)}.hnsw`);
  const wanted: Omit<Manifest, "file"> = {
    library: HNSW_LIBRARY,
    dimension: table.layout.dimension,
    m: HNSW.m,
    efConstruction: HNSW.efConstruction,
    seed: HNSW.seed,
    ...segment,
    vectors: digestOf(table, segment),
  };
  const manifestPath = join(folder, `${nameOf(segment)}.json`);
  const kept = await readManifest(manifestPath);
  if (kept !== undefined) {
    const { file, ...built } = kept;
    const isSame = JSON.stringify(built) === JSON.stringify(wanted) && (await sha256Of(path)) === file;
    if (isSame) return { ...segment, path, sha256: file, found: "kept" };
  }
  const found = kept === undefined && (await stat(path).catch(() => undefined)) === undefined;
  await rm(manifestPath, { force: true });
  const index = await build(table, segment);
  const draft = `${path}.${process.pid}`;
  await index.writeIndex(draft);
  await rename(draft, path);
  const sha256 = await sha256Of(path);
  if (sha256 === undefined) throw new SomaError("POOL_INDEX_FILE", `${path} was written and is gone`);
  const manifest: Manifest = { ...wanted, file: sha256 };
  await writeFile(`${manifestPath}.${process.pid}`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${manifestPath}.${process.pid}`, manifestPath);
  return { ...segment, path, sha256, found: found ? "missing" : "damaged" };
}

/** Removes the files of segments that are no longer part of the plan. */
export async function removeOthers(folder: string, plan: readonly Segment[]): Promise<void> {
  const wanted = new Set(plan.flatMap((segment) => [`${nameOf(segment)}.hnsw`, `${nameOf(segment)}.json`]));
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith("segment-") && !wanted.has(name)) await rm(join(folder, name), { force: true });
  }
}

async function build(table: VectorTable, { from, to }: Segment): Promise<Hnsw> {
  const Library = await loadHnsw();
  if (Library === undefined) throw new SomaError("POOL_NO_HNSW", "hnswlib-node is not built here");
  const index = new Library("ip", table.layout.dimension);
  index.initIndex(to - from, HNSW.m, HNSW.efConstruction, HNSW.seed);
  for (let row = from; row < to; row++) {
    const norm = table.norm(row);
    if (norm > 0) index.addPoint(direction(table.vector(row), norm), row);
  }
  return index;
}

function digestOf(table: VectorTable, { from, to }: Segment): string {
  const hash = createHash("sha256");
  for (let row = from; row < to; row++) hash.update(vectorBytes(table.vector(row)));
  return hash.digest("hex");
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return ManifestSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Undefined when the file cannot be read. */
async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(piece);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
