import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKeyFile, loadKeyFile } from "./key-file.ts";

const SEED = "ab".repeat(32);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "key-"));
  path = join(folder, "key.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const refusal = (run: () => unknown): { code: string; message: string } => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("nothing was refused");
};

describe("a key file", () => {
  test("is read as it was written, by its owner alone", () => {
    const file = createKeyFile(path, "encoder", SEED);
    expect(loadKeyFile(path)).toEqual(file);
    expect(loadKeyFile(path, "encoder")).toEqual(file);
    expect(refusal(() => loadKeyFile(path, "account")).code).toBe("KEY_FILE_KIND");
    chmodSync(path, 0o644);
    expect(refusal(() => loadKeyFile(path)).code).toBe("KEY_FILE_EXPOSED");
  });

  test("is never replaced, and made of no malformed seed", () => {
    createKeyFile(path, "account");
    expect(refusal(() => createKeyFile(path, "account")).code).toBe("KEY_FILE_EXISTS");
    expect(readdirSync(folder)).toEqual(["key.json"]);
    expect(refusal(() => createKeyFile(join(folder, "other"), "account", "AB")).code).toBe("KEY_SEED");
  });

  test.each([
    ["text", "hello", /found 5 characters that are no JSON/],
    ["other JSON", "{}", /found JSON with a wrong format/],
    [
      "a key with a wrong seed",
      `{"format":"soma-key-v1","kind":"account","seed":"${SEED}cd"}`,
      /a wrong seed/,
    ],
    ["something large", "x".repeat(5000), /found 5000 bytes/],
  ])("is not what holds %s, whoever may read that; and nothing of it is told", (_, text, said) => {
    writeFileSync(path, text, { mode: 0o644 });
    const { code, message } = refusal(() => loadKeyFile(path));
    expect(code).toBe("KEY_FILE_MALFORMED");
    expect(message).toMatch(said);
    expect(message).toContain("expected JSON with format soma-key-v1");
    expect(message).not.toContain(SEED);
  });

  test("that is missing is told how to make", () => {
    expect(refusal(() => loadKeyFile(path))).toMatchObject({
      code: "KEY_FILE_MISSING",
      message: expect.stringContaining(`soma key new ${path}`),
    });
  });
});
