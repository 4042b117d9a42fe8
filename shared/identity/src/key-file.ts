import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { isHex, SomaError } from "@soma/base";
import { z } from "zod";

const KIND = ["account", "validator", "encoder"] as const;
export type KeyKind = (typeof KIND)[number];

const KeyFileSchema = z.strictObject({
  format: z.literal("soma-key-v1"),
  kind: z.enum(KIND),
  /** 32 bytes in hex; everything else is derived from it. */
  seed: z.string().regex(/^[0-9a-f]{64}$/),
});
export type KeyFile = z.output<typeof KeyFileSchema>;

/**
 * Writes a new key file, readable by its owner alone; never replaces one. `seed` (hex) restores a key that
 * was backed up, otherwise the operating system's randomness makes one.
 * @throws SomaError KEY_FILE_EXISTS, KEY_SEED
 */
export function createKeyFile(path: string, kind: KeyKind, seed = randomBytes(32).toString("hex")): KeyFile {
  if (!isHex(seed, 32)) {
    throw new SomaError(
      "KEY_SEED",
      `a seed has 64 lower-case hex digits, not ${seed.length} characters of another kind`,
    );
  }
  const file: KeyFile = { format: "soma-key-v1", kind, seed };
  mkdirSync(dirname(path), { recursive: true });
  writeNew(path, `${JSON.stringify(file, null, 2)}\n`);
  return file;
}

/** Writes a file whole and on the disk, or not at all: under another name first, which a link then gives its own. */
function writeNew(path: string, text: string): void {
  const partial = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(partial, text, { mode: 0o600, flag: "wx", flush: true });
    linkSync(partial, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") {
      throw new SomaError("KEY_FILE_EXISTS", `${path} exists; a key is never replaced. Choose another path.`);
    }
    throw cause;
  } finally {
    rmSync(partial, { force: true });
  }
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

/** More than any key file has. */
const MAX_KEY_FILE_BYTES = 4096;

/**
 * Reads a key file.
 * @throws SomaError KEY_FILE_MISSING, KEY_FILE_MALFORMED, KEY_FILE_EXPOSED (others may read it), KEY_FILE_KIND
 */
export function loadKeyFile(path: string, kind?: KeyKind): KeyFile {
  const { text, mode } = readKeyFile(path);
  const file = parseKeyFile(path, text);
  if ((mode & 0o077) !== 0) {
    throw new SomaError("KEY_FILE_EXPOSED", `${path} can be read by others; run: chmod 600 ${path}`);
  }
  if (kind !== undefined && file.kind !== kind) {
    throw new SomaError("KEY_FILE_KIND", `${path} holds a key of kind ${file.kind}, not ${kind}`);
  }
  return file;
}

function readKeyFile(path: string): { text: string; mode: number } {
  try {
    const { mode, size } = statSync(path);
    if (size > MAX_KEY_FILE_BYTES) throw notKeyFile(path, `${size} bytes`);
    return { text: readFileSync(path, "utf8"), mode };
  } catch (cause) {
    if (cause instanceof SomaError) throw cause;
    throw new SomaError(
      "KEY_FILE_MISSING",
      `cannot read ${path}; make one with: soma key new ${path}`,
      {},
      { cause },
    );
  }
}

function parseKeyFile(path: string, text: string): KeyFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw notKeyFile(path, `${text.length} characters that are no JSON`);
  }
  const file = KeyFileSchema.safeParse(json);
  // Which member is wrong, and never what it holds: it may be a secret.
  if (!file.success) throw notKeyFile(path, `JSON with a wrong ${wrongMember(file.error)}`);
  return file.data;
}

function wrongMember(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue?.path.join(".") || (issue?.code === "unrecognized_keys" ? "member" : "form");
}

function notKeyFile(path: string, found: string): SomaError {
  return new SomaError(
    "KEY_FILE_MALFORMED",
    `${path} is not a key file: expected JSON with format soma-key-v1, kind and seed as soma key new writes it, found ${found}`,
  );
}
