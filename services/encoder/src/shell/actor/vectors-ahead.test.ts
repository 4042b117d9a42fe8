import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BlobFolder } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { afterAll, expect, test } from "vitest";
import { VectorsAhead } from "./vectors-ahead.ts";

const blobs = [1, 2, 3].map((n) => new Uint8Array(5_000).fill(n));
const hashes = blobs.map((blob) => createHash("sha256").update(blob).digest("hex"));
const asked: string[] = [];
const server = createServer((request, response) => {
  const hash = request.url!.split("/").at(-1)!;
  asked.push(hash);
  const blob = blobs[hashes.indexOf(hash)];
  response.writeHead(blob === undefined ? 404 : 200).end(blob);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const folder = await mkdtemp(join(tmpdir(), "soma-ahead-"));
afterAll(async () => {
  server.close().closeAllConnections();
  await rm(folder, { recursive: true });
});

async function opened() {
  const own = await BlobFolder.open(folder);
  const ahead = new VectorsAhead({
    gateways: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    fetch: globalThis.fetch,
    fetchTimeoutMs: 1_000,
    own,
    telemetry: Telemetry.silent("encoder", "test"),
    signal: new AbortController().signal,
  });
  return { own, ahead };
}

test("vectors lie in the folder once fetched, and until their job needs none", async () => {
  const { own, ahead } = await opened();
  const [one, other, large] = hashes as [string, string, string];
  ahead.want({ job: "a", vectors: one, maxBytes: 5_000 });
  ahead.want({ job: "a", vectors: one, maxBytes: 5_000 });
  ahead.want({ job: "b", vectors: other, maxBytes: 5_000 });
  ahead.want({ job: "b", vectors: large, maxBytes: 4_999 });
  ahead.want({ job: "b", vectors: "00".repeat(32), maxBytes: 5_000 });
  await ahead.idle();
  expect(asked.filter((hash) => hash === one).length).toBe(1);
  expect(await own.get(one)).toEqual(blobs[0]);
  expect(await own.get(other)).toEqual(blobs[1]);
  expect(await own.get(large)).toBeUndefined();
  await ahead.drop("a");
  expect(await own.get(one)).toBeUndefined();
  expect(await own.get(other)).toEqual(blobs[1]);
});

test("vectors that come after their job needs them are not kept", async () => {
  const { own, ahead } = await opened();
  ahead.want({ job: "c", vectors: hashes[0]!, maxBytes: 5_000 });
  await ahead.drop("c");
  await ahead.idle();
  expect(await own.get(hashes[0]!)).toBeUndefined();
});

test("what was here before is neither fetched nor removed, whoever names it", async () => {
  const { own, ahead } = await opened();
  const blob = new Uint8Array(100).fill(9);
  const hash = await own.put(blob);
  ahead.want({ job: "d", vectors: hash, maxBytes: 5_000 });
  await ahead.idle();
  await ahead.drop("d");
  expect(asked).not.toContain(hash);
  expect(await own.get(hash)).toEqual(blob);
});
