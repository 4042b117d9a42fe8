import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SomaError, toHex } from "@soma/base";
import { MultiSigTransaction, multiSigAccount } from "@soma/client";
import { AccountKey } from "@soma/identity";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  readAccountFile,
  readTransactionFile,
  replaceTransactionFile,
  writeAccountFile,
  writeNewTransactionFile,
} from "./multisig-file.ts";

const members = [1, 2].map((n) => AccountKey.fromSeed(n.toString(16).padStart(64, "0")));
const made = multiSigAccount(
  2,
  members.map(({ publicKey }) => toHex(publicKey)),
);
if (!made.ok) throw new Error(made.code);
const account = made.value;
const terms = { chainId: "test", sequence: 0n, expiryEpoch: 3n, tip: 0n };
const kind = { Transfer: { to: "aa".repeat(32), amount: 5n } };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-multisig-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof SomaError) return error.code;
    throw error;
  }
  return "";
}

test("an account and a transaction come back from their files, signatures with them", () => {
  writeAccountFile(path("team"), account);
  expect(readAccountFile(path("team"))).toEqual(account);
  const transaction = MultiSigTransaction.unsigned(account, { ...terms, kind });
  writeNewTransactionFile(path("pay"), transaction);
  const read = readTransactionFile(path("pay"));
  expect(read.sign(members[1]!).ok).toBe(true);
  replaceTransactionFile(path("pay"), read);
  expect(readTransactionFile(path("pay")).draft).toEqual(read.draft);
});

test("what is there is not written over", () => {
  writeFileSync(path("team"), "mine");
  expect(codeOf(() => writeAccountFile(path("team"), account))).toBe("CLI_FILE_EXISTS");
  expect(readFileSync(path("team"), "utf8")).toBe("mine");
});

test.each<[string, string]>([
  ["nothing", ""],
  ["other JSON", "[1]"],
  ["a key file", '{"format":"soma-key-v1","kind":"account","seed":"00"}'],
  ["more than a transaction", `{"format":"${"x".repeat(2 ** 20)}"}`],
  ["fields that are unknown", '{"format":"soma-multisig-v1","threshold":1,"publicKeys":[],"more":1}'],
  ["upper-case keys", `{"format":"soma-multisig-v1","threshold":1,"publicKeys":["${"AB".repeat(32)}"]}`],
])("a file of %s is refused with CLI_FILE, whatever it is read as", (_, text) => {
  writeFileSync(path("file"), text);
  expect(codeOf(() => readAccountFile(path("file")))).toBe("CLI_FILE");
  expect(codeOf(() => readTransactionFile(path("file")))).toBe("CLI_FILE");
});

test("a file that is not there, and an account that cannot be", () => {
  expect(codeOf(() => readTransactionFile(path("nowhere")))).toBe("CLI_FILE");
  writeFileSync(path("team"), '{"format":"soma-multisig-v1","threshold":1,"publicKeys":[]}');
  expect(codeOf(() => readAccountFile(path("team")))).toBe("MULTISIG_KEYS");
});
