import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a file whole or not at all, and on the disk when it returns: a crash leaves what was there. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  const next = `${path}.next`;
  writeFileSync(next, content, { flush: true });
  renameSync(next, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}
