import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "@soma/telemetry";
import { Sequencer } from "../core/sequencer.ts";

/**
 * A sequencer that keeps its place in a file. Without one, or with one that cannot be read or written, the clock alone
 * orders envelopes over a restart, and a clock set back before it has peers refuse them until it has caught up.
 */
export function openSequencer(path: string | undefined, log: Logger): Sequencer {
  if (path === undefined) return new Sequencer({ kept: 0, keep: () => undefined });
  return new Sequencer({
    kept: keptIn(path, log),
    keep: (number) => {
      try {
        replace(path, String(number));
      } catch (error) {
        log.warn({ path, error: String(error) }, "the place of own envelopes could not be written");
      }
    },
  });
}

function keptIn(path: string, log: Logger): number {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      log.warn({ path, error: String(error) }, "the place of own envelopes could not be read");
    }
    return 0;
  }
  // Room for whatever is sent from here on.
  if (/^[0-9]{1,16}$/.test(text) && Number(text) < Number.MAX_SAFE_INTEGER / 2) return Number(text);
  log.warn({ path }, "the file of the place of own envelopes is damaged");
  return 0;
}

function replace(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(`${path}.next`, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.next`, path);
}
