import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SomaError } from "@soma/base";
import { encodeGenesis, RECEIPT_STAGES } from "@soma/protocol";
import { buildReceipt, testNetwork } from "@soma/testkit/receipt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT, textTokenizer } from "../devnet/governed-files.ts";
import { loadTokenise } from "./tokenizer.ts";
import { type VerifyOptions, verifyCommand } from "./verify.ts";

const PARAMETERS = { embeddingDimension: 32, masks: 8 };
const ITEMS = [
  "The harbour master counted eleven boats before the fog came in.",
  "Tea first, then the ledger.",
];
const textTokenizerId = textTokenizer();

let folder: string;
let genesisPath: string;
let receiptPath: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "soma-verify-"));
  const { genesis } = testNetwork({ parameters: PARAMETERS, textTokenizer: textTokenizerId });
  const tokenise = await loadTokenise(join(ROOT, "models/tokenizer/text.model"), genesis);
  if (!tokenise.ok) throw new Error(tokenise.message);
  const length = (item: Uint8Array) => tokenise.value(item, "text")!;
  const receipt = buildReceipt({
    parameters: PARAMETERS,
    textTokenizer: textTokenizerId,
    items: ITEMS,
    length,
  });
  genesisPath = join(folder, "genesis.bin");
  receiptPath = join(folder, "job.soma-receipt");
  writeFileSync(genesisPath, encodeGenesis(genesis));
  writeFileSync(receiptPath, receipt.bytes);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(
  path: string,
  options: Partial<VerifyOptions> = {},
): Promise<{ code: number; text: string; failures: string[] }> {
  let text = "";
  const failures: string[] = [];
  const out = { write: (part: string) => (text += part) };
  const fail = ({ code, message }: SomaError) => failures.push(`${code}: ${message}`);
  const code = await verifyCommand(path, { genesisPath, json: false, ...options }, out, fail);
  return { code, text, failures };
}

describe("soma verify", () => {
  test("ticks every stage of a genuine receipt and names winner and signers", async () => {
    const { code, text } = await run(receiptPath);
    expect(code).toBe(0);
    expect(text.match(/^✓ /gm)).toHaveLength(RECEIPT_STAGES.length);
    expect(text).toMatch(/^winner {2}[0-9a-f]{64}$/m);
    expect(text).toMatch(/^loss {4}\d\.\d{9}, outlier factor \d\.\d{6}$/m);
    expect(text.match(/^signer {2}[0-9a-f]{64}$/gm)!.length).toBeGreaterThan(3);
    expect(text).toContain("16 drawn anew");
  });

  test("says the same as JSON", async () => {
    const { code, text } = await run(receiptPath, { json: true });
    expect(code).toBe(0);
    const json = JSON.parse(text);
    expect(json).toMatchObject({ verified: true, outcome: "Settled", items: 2, masks: [8, 8] });
    expect(json.scores.map((score: { encoder: string }) => score.encoder)).toContain(json.winner);
  });

  test("stops at the stage that fails, with its code and exit status 1", async () => {
    const bytes = readFileSync(receiptPath);
    bytes[bytes.length - 1]! ^= 1;
    const changed = join(folder, "changed.soma-receipt");
    writeFileSync(changed, bytes);
    const { code, text, failures } = await run(changed);
    expect(code).toBe(1);
    expect(failures).toEqual([expect.stringMatching(/^RECEIPT_DATA: /)]);
    expect(text).toMatch(/^✗ data hash$/m);
    expect(text).not.toContain("RECEIPT_DATA");
    expect(text.match(/^✓ /gm)).toHaveLength(5);
    expect(JSON.parse((await run(changed, { json: true })).text)).toMatchObject({
      verified: false,
      code: "RECEIPT_DATA",
    });
  });

  test("takes no file for a receipt that is none", async () => {
    const { code, failures } = await run(genesisPath);
    expect(code).toBe(1);
    expect(failures).toEqual([expect.stringContaining("RECEIPT_FORMAT: this is not a receipt file: its")]);
  });

  test.each<[string, () => [string, Partial<VerifyOptions>], string]>([
    ["receipt", () => [join(folder, "none"), {}], "RECEIPT_UNREADABLE"],
    ["genesis", () => [receiptPath, { genesisPath: join(folder, "none") }], "GENESIS_UNREADABLE"],
    ["genesis content", () => [receiptPath, { genesisPath: receiptPath }], "GENESIS_MALFORMED"],
    ["tokenizer", () => [receiptPath, { tokenizerPath: join(folder, "none") }], "TOKENIZER_UNREADABLE"],
    ["governed tokenizer", () => [receiptPath, { tokenizerPath: genesisPath }], "TOKENIZER_OTHER"],
  ])(
    "exits with 1 for want of the %s, and says so without the platform's words",
    async (_, call, expected) => {
      const { code, text, failures } = await run(...call());
      expect([code, text]).toEqual([1, ""]);
      expect(failures).toEqual([expect.stringMatching(new RegExp(`^${expected}: `))]);
      expect(failures[0]).not.toMatch(/ENOENT|Offset|typed array/);
    },
  );

  test("with JSON, a failure is in the JSON alone", async () => {
    const { code, text, failures } = await run(join(folder, "none"), { json: true });
    expect([code, failures]).toEqual([1, []]);
    expect(JSON.parse(text)).toMatchObject({ verified: false, code: "RECEIPT_UNREADABLE" });
  });
});
