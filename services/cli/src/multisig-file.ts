import { existsSync, readFileSync, statSync } from "node:fs";
import { type Result, SomaError } from "@soma/base";
import { type MultiSigAccount, MultiSigTransaction, multiSigAccount } from "@soma/client";
import { z } from "zod";
import { replaceFile } from "./replace-file.ts";

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/, "lower-case hex");
const key = z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits");

const AccountSchema = z.strictObject({
  format: z.literal("soma-multisig-v1"),
  threshold: z.int(),
  publicKeys: z.array(key),
});
const TransactionSchema = z.strictObject({
  format: z.literal("soma-multisig-transaction-v1"),
  transaction: hex,
  threshold: z.int(),
  publicKeys: z.array(key),
  signatures: z.record(key, z.string().regex(/^[0-9a-f]{128}$/, "128 hex digits")),
});

/** More than a transaction of 256 KiB has, as hex. */
const MAX_BYTES = 1024 * 1024;

/** Writes what tells the account's keys; nothing in it is secret. @throws SomaError CLI_FILE_EXISTS */
export function writeAccountFile(path: string, { threshold, publicKeys }: MultiSigAccount): void {
  writeNew(path, { format: "soma-multisig-v1", threshold, publicKeys });
}

/** @throws SomaError CLI_FILE, and the codes of `multiSigAccount` */
export function readAccountFile(path: string): MultiSigAccount {
  const { threshold, publicKeys } = read(
    path,
    AccountSchema,
    "a multi-sig account, made with: soma multisig new",
  );
  return given(multiSigAccount(threshold, publicKeys), path);
}

/** Writes a transaction that was prepared. @throws SomaError CLI_FILE_EXISTS */
export function writeNewTransactionFile(path: string, transaction: MultiSigTransaction): void {
  writeNew(path, { format: "soma-multisig-transaction-v1", ...transaction.draft });
}

/** Replaces a transaction's file, whole or not at all. */
export function replaceTransactionFile(path: string, transaction: MultiSigTransaction): void {
  replaceFile(path, text({ format: "soma-multisig-transaction-v1", ...transaction.draft }));
}

/** @throws SomaError CLI_FILE, and the codes of `MultiSigTransaction.restore` */
export function readTransactionFile(path: string): MultiSigTransaction {
  const draft = read(path, TransactionSchema, "a transaction, made with --for ... --out ...");
  return given(MultiSigTransaction.restore(draft), path);
}

function read<S extends z.ZodType>(path: string, schema: S, what: string): z.output<S> {
  const refuse = (why: string, cause?: unknown) =>
    new SomaError("CLI_FILE", `${path} ${why}`, {}, cause === undefined ? {} : { cause });
  if (!existsSync(path)) throw refuse("does not exist");
  if (statSync(path).size > MAX_BYTES) throw refuse(`is no file of ${what}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw refuse(`is no file of ${what}`, cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw refuse(`is no file of ${what}`, parsed.error);
  return parsed.data;
}

function given<T>(result: Result<T>, path: string): T {
  if (result.ok) return result.value;
  throw new SomaError(result.code, `${path}: ${result.message}`);
}

function writeNew(path: string, content: unknown): void {
  if (existsSync(path)) throw new SomaError("CLI_FILE_EXISTS", `${path} exists; choose another path`);
  replaceFile(path, text(content));
}

function text(content: unknown): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}
