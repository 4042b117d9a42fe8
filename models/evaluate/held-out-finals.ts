import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "@soma/base";
import { vectorBytes } from "@soma/embedding";
import { anchors as governedAnchors } from "../../services/cli/src/devnet/governed-files.ts";
import { CACHE_FOLDER, codeDigest, embedItems } from "./embed-items.ts";
import { shippedEncoders } from "./encoders.ts";
import type { HeldOutSet } from "./held-out.ts";
import { type Embedded, playJobs } from "./play-jobs.ts";
import { vectorAt } from "./space.ts";

/** Final vectors of the held-out set, as the network of the eight shipped encoders pools them. */
export interface HeldOutFinals {
  readonly documents: readonly Int16Array[];
  readonly queries: readonly Int16Array[];
}

const ITEMS_PER_JOB = 64;
/** Where they are kept between runs; git ignores it. */
const FOLDER = join(import.meta.dirname, "../heldout/.cache");
const RULES = join(import.meta.dirname, "../../shared/embedding/src");

/** Kept by the hash of the graphs, the texts and the code that embeds and pools; `cache: false` computes them anew. */
export async function heldOutFinals(
  heldOut: HeldOutSet,
  { cache = true, onProgress }: { cache?: boolean; onProgress?: (what: string) => void } = {},
): Promise<HeldOutFinals> {
  const encoders = shippedEncoders();
  const { dimension } = encoders[0]!.model;
  const texts = [...heldOut.documents, ...heldOut.queries.map(({ text }) => text)];
  const key = createHash("sha256")
    .update(encoders.map(({ id }) => id).join())
    .update(codeDigest());
  for (const name of readdirSync(RULES).sort()) {
    if (!name.endsWith(".test.ts")) key.update(readFileSync(join(RULES, name)));
  }
  for (const text of texts) key.update(text).update("\0");
  const path = join(FOLDER, key.digest("hex"));
  let bytes = cache ? read(path, 2 * dimension * texts.length) : undefined;
  if (bytes === undefined) {
    const items = texts.map(utf8);
    const embedded: Embedded[] = [];
    for (const encoder of encoders) {
      onProgress?.(`embedding with ${encoder.name}`);
      embedded.push({ encoder, items: await embedItems(encoder, items, { cache: CACHE_FOLDER }) });
    }
    onProgress?.("playing the jobs");
    const { meanNormSquared } = governedAnchors();
    const { finals } = playJobs(embedded, { itemsPerJob: ITEMS_PER_JOB, meanNormSquared });
    bytes = Buffer.concat(finals.map(vectorBytes));
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, bytes);
    renameSync(`${path}.${process.pid}`, path);
  }
  const whole = bytes;
  const vectors = texts.map((_, place) => vectorAt(whole, place, dimension));
  return {
    documents: vectors.slice(0, heldOut.documents.length),
    queries: vectors.slice(heldOut.documents.length),
  };
}

function read(path: string, length: number): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}
