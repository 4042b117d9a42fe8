import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SignerLog } from "./signer-log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signer-log-"));
  path = join(folder, "signer.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const entry = (round: number) => ({ epoch: 1n, round, block: Uint8Array.from([round, 1, 2, 3]) });

async function written(rounds: number): Promise<Buffer> {
  await SignerLog.create(path);
  const { log } = await SignerLog.open(path);
  for (let round = 1; round <= rounds; round++) await log.append(entry(round));
  await log.close();
  return readFileSync(path);
}

describe("CONS-8 signer log", () => {
  test("a missing file is a lost log, a created one is intact and empty", async () => {
    expect((await SignerLog.open(path)).found).toEqual({ status: "lost" });
    await SignerLog.create(path);
    const { log, found } = await SignerLog.open(path);
    expect(found).toEqual({ status: "intact", last: null, rebuiltIn: null });
    await log.close();
    await expect(SignerLog.create(path)).rejects.toMatchObject({ code: "SIGNER_LOG_EXISTS" });
  });

  test("the newest entry survives", async () => {
    await written(3);
    const { log, found } = await SignerLog.open(path);
    expect(found).toMatchObject({ status: "intact", last: { round: 3 } });
    await log.close();
  });

  test("cut anywhere in the last record, the one before is the newest", async () => {
    const bytes = await written(2);
    const one = bytes.length / 2;
    for (let length = one; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const { log, found } = await SignerLog.open(path);
      expect(found).toMatchObject({ status: "intact", last: { round: 1 } });
      await log.append(entry(9));
      await log.close();
      const again = await SignerLog.open(path);
      expect(again.found).toMatchObject({ last: { round: 9 } });
      await again.log.close();
    }
  });

  test("damage before the end makes it lost", async () => {
    const bytes = await written(3);
    for (const at of [4, 12, 20]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      writeFileSync(path, damaged);
      expect((await SignerLog.open(path)).found).toEqual({ status: "lost" });
    }
  });

  test("rebuilt after a loss, it says so from then on, also when compacted", async () => {
    const { log } = await SignerLog.open(path);
    await expect(log.append(entry(1))).rejects.toMatchObject({ code: "SIGNER_LOG_LOST" });
    await log.rebuild(7n, 41);
    for (let round = 42; round < 42 + 4_100; round++)
      await log.append({ ...entry(round % 250), epoch: 7n, round });
    await log.close();
    const { log: reopened, found } = await SignerLog.open(path);
    expect(found).toMatchObject({ status: "intact", last: { round: 4_141 }, rebuiltIn: 7n });
    await reopened.close();
    expect(readFileSync(path).length).toBeLessThan(20_000);
  });
});
