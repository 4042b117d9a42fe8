import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BlobStore, type BlobStoreOptions } from "./blob-store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "blobs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hour = 3_600_000;
const claimed = new Set<string>();
const open = (options: Partial<BlobStoreOptions> = {}) =>
  BlobStore.open({
    folder,
    maxBlobBytes: 1_000,
    maxTotalBytes: 250,
    maxAgeMs: 24 * hour,
    unclaimedAgeMs: hour,
    incomingAgeMs: 120_000,
    claimed: async (hashes) => new Set(hashes.filter((hash) => claimed.has(hash))),
    maxIncoming: 4,
    ...options,
  });
const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Puts 100 bytes; the result is their hash. */
async function put(store: BlobStore, fill: number, ageMs: number): Promise<string> {
  const bytes = Buffer.alloc(100, fill);
  const hash = hashOf(bytes);
  await store.put(hash, Readable.from([bytes]));
  const at = new Date(Date.now() - ageMs);
  utimesSync(join(folder, hash.slice(0, 2), hash), at, at);
  return hash;
}

test("newer blobs of nobody do not push out an older one that a job paid for", async () => {
  const store = await open({ maxTotalBytes: 1_000 });
  const paid = await put(store, 1, 30 * 60_000);
  claimed.add(paid);
  const older = await put(store, 2, 2_000);
  const newer = await put(store, 3, 1_000);
  const full = await open();
  expect(await full.prune(Date.now())).toBe(1);
  expect(await full.sizeOf(paid)).toBe(100);
  expect(await full.sizeOf(older)).toBeUndefined();
  expect(await full.sizeOf(newer)).toBe(100);
});

test("a replica that starts, and prunes, leaves another's upload alone", async () => {
  const [one, bytes] = [await open(), Buffer.alloc(100, 4)];
  const source = new PassThrough();
  const coming = one.put(hashOf(bytes), source);
  source.write(bytes.subarray(0, 50));
  await expect.poll(() => readdirSync(join(folder, "incoming"))).toHaveLength(1);
  const other = await open();
  await other.prune(Date.now());
  source.end(bytes.subarray(50));
  expect(await coming).toBe(true);
  expect(await other.sizeOf(hashOf(bytes))).toBe(100);
});

test("what a killed process left half written goes once its request would be over", async () => {
  const store = await open();
  const source = new PassThrough();
  const left = store.put(hashOf(Buffer.alloc(1)), source).catch(() => undefined);
  source.write("half");
  await expect.poll(() => readdirSync(join(folder, "incoming"))).toHaveLength(1);
  await store.prune(Date.now() + 119_000);
  expect(readdirSync(join(folder, "incoming"))).toHaveLength(1);
  await store.prune(Date.now() + 121_000);
  expect(readdirSync(join(folder, "incoming"))).toEqual([]);
  source.destroy();
  await left;
});
