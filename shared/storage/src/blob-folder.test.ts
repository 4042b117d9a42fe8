import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BlobFolder } from "./blob-folder.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "soma-blobs-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("bytes come back by their hash, twice written or once, until they are old, spoilt or removed", async () => {
  const blobs = await BlobFolder.open(folder);
  const bytes = new Uint8Array(100_000).fill(7);
  const hash = createHash("sha256").update(bytes).digest("hex");
  expect(await blobs.get(hash)).toBeUndefined();
  expect(await Promise.all([blobs.put(bytes), blobs.put(bytes)])).toEqual([hash, hash]);
  expect(await (await BlobFolder.open(folder)).get(hash)).toEqual(bytes);
  expect(await blobs.prune(60_000)).toBe(0);
  await truncate(join(folder, hash.slice(0, 2), hash), 5);
  expect(await blobs.get(hash)).toBeUndefined();
  await blobs.put(bytes);
  expect(await blobs.get(hash)).toEqual(bytes);
  expect(await blobs.prune(60_000, Date.now() + 61_000)).toBe(1);
  await blobs.put(bytes);
  expect(await blobs.get(hash)).toEqual(bytes);
  await blobs.remove(hash);
  await blobs.remove(hash);
  expect(await blobs.get(hash)).toBeUndefined();
});

test("a spoilt file is removed once it is seen, and never one that was put in its place meanwhile", async () => {
  const blobs = await BlobFolder.open(folder);
  const bytes = new Uint8Array(50_000).fill(9);
  const hash = await blobs.put(bytes);
  const path = join(folder, hash.slice(0, 2), hash);
  for (let round = 0; round < 50; round++) {
    await writeFile(path, "spoilt");
    await Promise.all([
      blobs.get(hash),
      blobs.put(bytes),
      blobs.get(hash),
      blobs.put(bytes),
      blobs.get(hash),
    ]);
    // Whoever came before the spoilt one was seen found it there.
    await blobs.put(bytes);
    expect(await blobs.get(hash)).toEqual(bytes);
  }
  expect(await readdir(join(folder, hash.slice(0, 2)))).toEqual([hash]);
});
