import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SignerLog } from "./signer-log.ts";

let folder: string;
let path: string;
let term = 0n;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signer-log-"));
  path = join(folder, "signer.log");
  term = 0n;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Of a record, before its entry. */
const HEADER_BYTES = 16;

const entry = (round: number) => ({ epoch: 1n, round, block: Uint8Array.from([round, 1, 2, 3]) });
const next = () => SignerLog.open(path, { term: ++term, signedTerm: 0n });
/** The file of the newest term. */
const file = () => join(folder, readdirSync(folder).sort().at(-1)!);

async function written(rounds: number): Promise<Buffer> {
  await SignerLog.create(path);
  const { log } = await next();
  for (let round = 1; round <= rounds; round++) await log.append(entry(round));
  await log.close();
  return readFileSync(file());
}

describe("CONS-8 signer log", () => {
  test("a missing file is a lost log, a created one is intact and empty", async () => {
    expect((await next()).found).toEqual({ status: "lost" });
    await SignerLog.create(path);
    const { log, found } = await next();
    expect(found).toEqual({ status: "intact", last: null, rebuiltIn: null });
    await log.close();
    await expect(SignerLog.create(path)).rejects.toMatchObject({ code: "SIGNER_LOG_EXISTS" });
    expect((await next()).found).toEqual({ status: "intact", last: null, rebuiltIn: null });
  });

  test("the newest entry survives", async () => {
    await written(3);
    const { log, found } = await next();
    expect(found).toMatchObject({ status: "intact", last: { round: 3 } });
    await log.close();
  });

  test("cut anywhere in the last record, the one before is the newest", async () => {
    const bytes = await written(2);
    const one = bytes.length / 2;
    for (let length = one; length < bytes.length; length++) {
      writeFileSync(file(), bytes.subarray(0, length));
      const { log, found } = await next();
      expect(found).toMatchObject({ status: "intact", last: { round: 1 } });
      await log.append(entry(9));
      await log.close();
      const again = await next();
      expect(again.found).toMatchObject({ last: { round: 9 } });
      await again.log.close();
    }
  });

  test("damage before the end makes it lost", async () => {
    const bytes = await written(3);
    // Every bit of the first two records, and of the last one's header.
    const end = (bytes.length / 3) * 2 + HEADER_BYTES;
    for (let bit = 0; bit < 8 * end; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(file(), damaged);
      const { found } = await next();
      expect([bit, found]).toEqual([bit, { status: "lost" }]);
    }
  });

  test("what a start left half written goes with the next one", async () => {
    await written(1);
    for (const left of ["signer.log.1.next", "signer.log.99.next"]) writeFileSync(join(folder, left), "half");
    const { log } = await next();
    await log.close();
    expect(readdirSync(folder).sort()).toEqual(["signer.log.2", "signer.log.99.next"]);
  });

  test("rebuilt after a loss, it says so from then on, also when compacted", async () => {
    const { log } = await next();
    await expect(log.append(entry(1))).rejects.toMatchObject({ code: "SIGNER_LOG_LOST" });
    await log.rebuild(7n, 41);
    for (let round = 42; round < 42 + 4_100; round++)
      await log.append({ ...entry(round % 250), epoch: 7n, round });
    await log.close();
    const { log: reopened, found } = await next();
    expect(found).toMatchObject({ status: "intact", last: { round: 4_141 }, rebuiltIn: 7n });
    await reopened.close();
    expect(readFileSync(file()).length).toBeLessThan(20_000);
  });
});

describe("a signer log that another instance took over", () => {
  test("is read once and left alone: what the superseded one writes then reaches nobody", async () => {
    await written(3);
    const { log: zombie } = await next();
    const { log: successor, found } = await next();
    expect(found).toMatchObject({ status: "intact", last: { round: 3 } });
    await zombie.append(entry(4));
    await successor.append(entry(7));
    // Also when it begins its file anew.
    await zombie.rebuild(1n, 5);
    await Promise.all([zombie.close(), successor.close()]);
    const later = await SignerLog.open(path, { term: 9n, signedTerm: 2n });
    expect(later.found).toMatchObject({ status: "intact", last: { round: 7 } });
    await later.log.close();
  });

  test("is lost to whoever comes after a term that signed elsewhere, and not after one that signed nothing", async () => {
    await written(3);
    const idle = await SignerLog.open(path, { term: 5n, signedTerm: 1n });
    expect(idle.found).toMatchObject({ status: "intact", last: { round: 3 } });
    await idle.log.close();
    const { log, found } = await SignerLog.open(path, { term: 8n, signedTerm: 7n });
    expect(found).toEqual({ status: "lost" });
    await expect(log.append(entry(4))).rejects.toMatchObject({ code: "SIGNER_LOG_LOST" });
    await log.rebuild(1n, 9);
    await log.append(entry(10));
    await log.close();
    const later = await SignerLog.open(path, { term: 9n, signedTerm: 8n });
    expect(later.found).toMatchObject({ status: "intact", last: { round: 10 }, rebuiltIn: 1n });
    await later.log.close();
  });

  test("is never opened by an older term, or by the same one again", async () => {
    await written(1);
    const { log } = await next();
    await log.close();
    for (const old of [1n, 2n]) {
      await expect(SignerLog.open(path, { term: old, signedTerm: 0n })).rejects.toMatchObject({
        code: "SIGNER_LOG_TERM",
      });
    }
    expect(await SignerLog.newestTerm(path)).toBe(2n);
    expect(await SignerLog.newestTerm(join(folder, "none"))).toBeUndefined();
  });
});
