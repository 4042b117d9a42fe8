import { existsSync } from "node:fs";
import { type EmbeddedJob, type EmbedOptions, embed, resume } from "@soma/client";
import type { Library, StoredResult, TextItem } from "./library.ts";

/** One batch through the network, begun or resumed; what is done already is not paid again. */
export async function encodeBatch(
  library: Library,
  items: readonly TextItem[],
  options: Omit<EmbedOptions, "journalPath">,
): Promise<{ result: StoredResult; job: EmbeddedJob | undefined }> {
  const name = library.nameOf(items);
  const done = library.stored(name);
  if (done !== undefined) return { result: done, job: undefined };
  const journalPath = library.journalPath(name);
  const full = { ...options, journalPath };
  const job = existsSync(journalPath)
    ? await resume(full)
    : await embed(
        items.map(({ bytes }) => bytes),
        items.map(({ label }) => label),
        full,
      );
  return { result: library.store(name, items, job), job };
}
