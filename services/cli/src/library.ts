import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { SomaError } from "@soma/base";
import type { EmbeddedJob } from "@soma/client";
import { z } from "zod";
import { replaceFile } from "./replace-file.ts";

export interface TextItem {
  /** File name, with a line number if lines were asked for. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** Items that one job takes: its final vectors travel in one transaction (CONS-2 bounds that; ADR 0003). */
export const ITEMS_PER_JOB = 256;

const ResultSchema = z.object({
  job: z.string(),
  winner: z.string().nullable(),
  items: z.array(z.object({ label: z.string(), text: z.string(), embedding: z.array(z.int()).nullable() })),
});
export type StoredResult = z.output<typeof ResultSchema>;

/** Reads text items from files and folders (not their subfolders). @throws SomaError CLI_INPUT */
export function readItems(paths: readonly string[], byLine: boolean): TextItem[] {
  const files = paths.flatMap((path) => {
    if (!existsSync(path)) throw new SomaError("CLI_INPUT", `${path} does not exist`);
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map((entry) => join(path, entry.name))
      .filter((file) => !isKeyFile(file))
      .sort();
  });
  const items = files.flatMap((file) => {
    const text = decodeText(file);
    if (!byLine) return [{ label: basename(file), text: text.trim() }];
    return text.split(/\r?\n/).map((line, i) => ({ label: `${basename(file)}:${i + 1}`, text: line.trim() }));
  });
  const full = items.filter(({ text }) => text !== "");
  if (full.length === 0) throw new SomaError("CLI_INPUT", "there is no text to encode in what was given");
  return full.map(({ label, text }) => ({ label, bytes: Buffer.from(text, "utf8") }));
}

/** A folder is published as it is, and a key in it would be too. A key file that is named itself is the user's word. */
function isKeyFile(file: string): boolean {
  if (!file.endsWith(".json") || statSync(file).size > 4096) return false;
  const isKey = readFileSync(file, "utf8").includes('"soma-key-v1"');
  if (isKey) process.stderr.write(`${file} is a key file and is left out\n`);
  return isKey;
}

function decodeText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    throw new SomaError("CLI_INPUT", `${file} is not UTF-8 text`, {}, { cause });
  }
}

/** Results of `soma encode` in a folder: a journal while a job runs, then its receipt and vectors. */
export class Library {
  readonly folder: string;
  readonly #others: readonly string[];

  /** @param others folders whose results are known too; nothing is written there */
  constructor(folder: string, others: readonly string[] = []) {
    this.folder = folder;
    this.#others = others;
  }

  /** Makes the folder, for a job that begins now. */
  prepare(): void {
    mkdirSync(this.folder, { recursive: true });
  }

  /** The same items have the same name, so that a repeated command goes on with what it began. */
  nameOf(items: readonly TextItem[]): string {
    const hash = createHash("sha256");
    for (const { bytes } of items) {
      hash.update(String(bytes.length)).update(":").update(bytes);
    }
    return hash.digest("hex").slice(0, 16);
  }

  journalPath(name: string): string {
    return join(this.folder, `${name}.journal.json`);
  }

  /** Puts the journal of a job that ended without embeddings aside: the same items may begin another one. */
  abandon(name: string): string {
    const path = join(this.folder, `${name}.ended-${Date.now()}.json`);
    renameSync(this.journalPath(name), path);
    return path;
  }

  receiptPath(name: string): string {
    return join(this.folder, `${name}.soma-receipt`);
  }

  stored(name: string): StoredResult | undefined {
    const path = join(this.folder, `${name}.json`);
    if (!existsSync(path) || !existsSync(this.receiptPath(name))) return undefined;
    const parsed = ResultSchema.safeParse(jsonOf(readFileSync(path, "utf8")));
    return parsed.success ? parsed.data : undefined;
  }

  store(name: string, items: readonly TextItem[], { receipt, verified }: EmbeddedJob): StoredResult {
    const result = {
      job: verified.job,
      winner: verified.result.winner,
      items: items.map(({ label, bytes }, i) => ({
        label,
        text: Buffer.from(bytes).toString("utf8"),
        embedding: verified.finals[i] ? [...verified.finals[i]] : null,
      })),
    };
    // The result last: what is found is complete.
    replaceFile(this.receiptPath(name), receipt);
    replaceFile(join(this.folder, `${name}.json`), `${JSON.stringify(result)}\n`);
    return result;
  }

  /** Everything stored here or in the other folders, by job. */
  all(): Map<string, StoredResult> {
    const known = this.#others.map((folder) => new Library(folder).all());
    const names = existsSync(this.folder) ? readdirSync(this.folder) : [];
    const results = names
      .filter((name) => name.endsWith(".soma-receipt"))
      .flatMap((name) => this.stored(name.replace(/\.soma-receipt$/, "")) ?? []);
    return new Map([...known.flatMap((one) => [...one]), ...results.map((one) => [one.job, one] as const)]);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
