import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Inputs that failed once, a folder a target. */
export const FIXTURES = join(import.meta.dirname, "../fixtures");

export function fixturesOf(target: string, folder = FIXTURES): Uint8Array[] {
  const own = join(folder, target);
  if (!existsSync(own)) return [];
  return readdirSync(own)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(own, name))));
}

/** Keeps an input that failed; gives the file's path. */
export function keepFixture(target: string, bytes: Uint8Array, folder = FIXTURES): string {
  const own = join(folder, target);
  mkdirSync(own, { recursive: true });
  const path = join(own, `${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.bin`);
  writeFileSync(path, bytes);
  return path;
}
