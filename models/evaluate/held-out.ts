import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { z } from "zod";

const FILE = join(import.meta.dirname, "../heldout/wordnet-heldout-v1.json");

const HeldOutSchema = z.looseObject({
  name: z.string(),
  documents: z.array(z.looseObject({ id: z.string(), text: z.string() })),
  queries: z.array(
    z.looseObject({
      id: z.string(),
      kind: z.string(),
      text: z.string(),
      relevant: z.tuple([z.string()]),
    }),
  ),
});

export interface HeldOutQuery {
  readonly text: string;
  /** `usage` or `kind-of`. */
  readonly kind: string;
  /** Place of the one document that answers it. */
  readonly relevant: number;
}

/** A retrieval task on texts that no model, tokenizer or table has seen. */
export interface HeldOutSet {
  readonly name: string;
  /** Texts. */
  readonly documents: readonly string[];
  readonly queries: readonly HeldOutQuery[];
}

/** How much of the set to take; all of it where nothing is said. */
export interface Part {
  readonly queries?: number | undefined;
  readonly documents?: number | undefined;
}

/**
 * The named held-out set, or a fixed part of it: queries evenly spaced, the documents that answer them, and others
 * evenly spaced up to the number asked for. @throws SomaError EVALUATION_PART when there are not so many, or fewer
 * documents than the queries need
 */
export function loadHeldOut(part: Part = {}): HeldOutSet {
  const { name, documents, queries } = HeldOutSchema.parse(JSON.parse(readFileSync(FILE, "utf8")));
  const asked = spaced(queries, part.queries ?? queries.length, "queries");
  const needed = new Set(asked.map((query) => query.relevant[0]));
  const total = part.documents ?? documents.length;
  if (total < needed.size) {
    throw new SomaError("EVALUATION_PART", `${needed.size} documents answer the queries, not ${total}`);
  }
  const others = documents.filter(({ id }) => !needed.has(id));
  const kept = new Set(spaced(others, total - needed.size, "documents").map(({ id }) => id));
  const chosen = documents.filter(({ id }) => needed.has(id) || kept.has(id));
  const placeOf = new Map(chosen.map(({ id }, place) => [id, place]));
  return {
    name,
    documents: chosen.map(({ text }) => text),
    queries: asked.map(({ text, kind, relevant }) => ({ text, kind, relevant: placeOf.get(relevant[0])! })),
  };
}

function spaced<T>(list: readonly T[], count: number, what: string): T[] {
  if (count > list.length) throw new SomaError("EVALUATION_PART", `the set has no ${count} such ${what}`);
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}
