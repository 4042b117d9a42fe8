import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SomaError } from "@soma/base";
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
 * @throws SomaError KEY_FILE_EXISTS
 */
export function createKeyFile(path: string, kind: KeyKind, seed = randomBytes(32).toString("hex")): KeyFile {
  const file = KeyFileSchema.parse({ format: "soma-key-v1", kind, seed });
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") {
      throw new SomaError("KEY_FILE_EXISTS", `${path} exists; a key is never replaced. Choose another path.`);
    }
    throw cause;
  }
  return file;
}

/**
 * Reads a key file.
 * @throws SomaError KEY_FILE_MISSING, KEY_FILE_EXPOSED (others may read it), KEY_FILE_MALFORMED, KEY_FILE_KIND
 */
export function loadKeyFile(path: string, kind?: KeyKind): KeyFile {
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new SomaError("KEY_FILE_EXPOSED", `${path} can be read by others; run: chmod 600 ${path}`);
    }
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof SomaError) throw cause;
    throw new SomaError(
      "KEY_FILE_MISSING",
      `cannot read ${path}; make one with: soma key new ${path}`,
      {},
      { cause },
    );
  }
  let file: KeyFile;
  try {
    file = KeyFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SomaError("KEY_FILE_MALFORMED", `${path} is not a key file`, {}, { cause });
  }
  if (kind !== undefined && file.kind !== kind) {
    throw new SomaError("KEY_FILE_KIND", `${path} holds a key of kind ${file.kind}, not ${kind}`);
  }
  return file;
}
