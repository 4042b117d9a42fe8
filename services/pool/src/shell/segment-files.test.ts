import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadHnsw } from "./hnsw.ts";
import { clusteredTable } from "./segment-files.fixture.ts";
import { provideSegment, removeOthers } from "./segment-files.ts";

const ROWS = 2000;
const segment = { from: 0, to: ROWS };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "soma-segments-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const builtHere = (await loadHnsw()) !== undefined;
if (!builtHere)
  console.warn("hnswlib-node is not built here (it needs g++, make, python3): its tests are skipped");

test.skipIf(!builtHere)(
  "the same rows make the same bytes, twice here and once in another process",
  async () => {
    const table = clusteredTable(ROWS);
    const first = await provideSegment(join(folder, "a"), table, segment);
    const second = await provideSegment(join(folder, "b"), clusteredTable(ROWS), segment);
    const fixture = join(import.meta.dirname, "segment-files.fixture.ts");
    const other = execFileSync(process.execPath, [fixture, join(folder, "c"), String(ROWS)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect(first.found).toBe("missing");
    expect([second.sha256, other.trim()]).toEqual([first.sha256, first.sha256]);
    const bytes = await Promise.all(
      ["a", "b", "c"].map((name) => readFile(join(folder, name, "segment-0-2000.hnsw"))),
    );
    expect(bytes[0]!.length).toBeGreaterThan(ROWS * 32 * 4);
    expect(bytes[0]!.equals(bytes[1]!) && bytes[0]!.equals(bytes[2]!)).toBe(true);
  },
);

test.skipIf(!builtHere)(
  "a file is kept, and one that is damaged, gone or of other vectors is built anew",
  async () => {
    const table = clusteredTable(ROWS);
    const built = await provideSegment(folder, table, segment);
    expect(await provideSegment(folder, table, segment)).toEqual({ ...built, found: "kept" });

    const bytes = await readFile(built.path);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(built.path, bytes);
    expect(await provideSegment(folder, table, segment)).toEqual({ ...built, found: "damaged" });

    await writeFile(built.path, bytes.subarray(0, 1000));
    expect(await provideSegment(folder, table, segment)).toEqual({ ...built, found: "damaged" });

    await rm(built.path);
    expect((await provideSegment(folder, table, segment)).sha256).toBe(built.sha256);

    await writeFile(join(folder, "segment-0-2000.json"), "{");
    expect(await provideSegment(folder, table, segment)).toEqual({ ...built, found: "damaged" });

    table.vector(3)[0]! += 1;
    const other = await provideSegment(folder, table, segment);
    expect(other.sha256).not.toBe(built.sha256);
  },
);

test.skipIf(!builtHere)("segments that are no longer planned lose their files", async () => {
  const table = clusteredTable(200);
  await provideSegment(folder, table, { from: 0, to: 100 });
  await provideSegment(folder, table, { from: 100, to: 200 });
  await removeOthers(folder, [{ from: 100, to: 200 }]);
  expect((await readdir(folder)).sort()).toEqual(["segment-100-200.hnsw", "segment-100-200.json"]);
});
