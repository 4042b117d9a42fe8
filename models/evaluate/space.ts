import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { displayCosine, fromVectorBytes } from "@soma/embedding";
import { z } from "zod";
import type { RevealedItem } from "./embed-items.ts";

const FOLDER = join(import.meta.dirname, "../space");

const AnchorsSchema = z.looseObject({
  dimension: z.int(),
  items: z.array(z.looseObject({ text: z.string() })),
  vectorsFile: z.string(),
  sha256: z.string(),
});

/** SPACE-1's anchors: texts and, in the same order, the vectors that define the space. */
export interface Anchors {
  readonly texts: readonly string[];
  readonly vectors: readonly Int16Array[];
}

/** @throws SomaError EVALUATION_ANCHORS when the vectors are not those of the manifest */
export function loadAnchors(): Anchors {
  const manifest = AnchorsSchema.parse(JSON.parse(readFileSync(join(FOLDER, "anchors.json"), "utf8")));
  const { dimension, items, vectorsFile, sha256 } = manifest;
  const bytes = readFileSync(join(FOLDER, vectorsFile));
  const whole = bytes.length === 2 * dimension * items.length;
  if (!whole || createHash("sha256").update(bytes).digest("hex") !== sha256) {
    throw new SomaError("EVALUATION_ANCHORS", `${vectorsFile} is not the file of its manifest`);
  }
  const vectors = items.map((_, i) => vectorAt(bytes, i, dimension));
  return { texts: items.map(({ text }) => text), vectors };
}

/** Mean cosine of an encoder's vectors of the anchors' texts to the anchors' vectors (SPACE-1). */
export function meanAnchorCosine(anchors: Anchors, embedded: readonly RevealedItem[]): number {
  const cosines = anchors.vectors.map((vector, i) => displayCosine(vector, fullVector(embedded[i]!)));
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
}

/** The vector of the whole item. */
export function fullVector({ full }: RevealedItem): Int16Array {
  return vectorAt(full, 0, full.length / 2);
}

/** The `index`-th vector of concatenated vector bytes. */
export function vectorAt(bytes: Uint8Array, index: number, dimension: number): Int16Array {
  const vector = fromVectorBytes(
    bytes.subarray(2 * dimension * index, 2 * dimension * (index + 1)),
    dimension,
  );
  if (!vector.ok) throw new SomaError(vector.code, vector.message);
  return vector.value;
}
