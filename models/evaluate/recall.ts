import { type CosineKey, compareCosine, dot, squaredNorm } from "@soma/embedding";
import type { HeldOutQuery } from "./held-out.ts";
import { TfIdf } from "./tf-idf.ts";

/** Depth of the ranking: recall@10. */
const DEPTH = 10;

/** 1 for each query whose document is among the ten nearest by cosine, ties by lower place; else 0. */
export function vectorHits(
  queries: readonly HeldOutQuery[],
  queryVectors: readonly Int16Array[],
  documentVectors: readonly Int16Array[],
): number[] {
  const norms = documentVectors.map(squaredNorm);
  return queries.map(({ relevant }, i) => {
    const query = queryVectors[i]!;
    const key = (place: number): CosineKey => ({
      dot: dot(query, documentVectors[place]!),
      squaredNorm: norms[place]!,
    });
    const mine = key(relevant);
    if (mine.squaredNorm === 0) return 0;
    return among(documentVectors.length, (place) => {
      const order = compareCosine(key(place), mine);
      return order < 0 || (order === 0 && place < relevant);
    });
  });
}

/** The same by TF-IDF; a document that shares no word with the query is not found. */
export function tfIdfHits(queries: readonly HeldOutQuery[], documents: readonly string[]): number[] {
  const index = new TfIdf(documents);
  return queries.map(({ text, relevant }) => {
    const scores = index.scores(text);
    const mine = scores[relevant]!;
    if (mine === 0) return 0;
    return among(
      scores.length,
      (place) => scores[place]! > mine || (scores[place] === mine && place < relevant),
    );
  });
}

/** 1 when fewer than ten places stand before the relevant one. */
function among(count: number, before: (place: number) => boolean): number {
  let ahead = 0;
  for (let place = 0; place < count; place++) {
    if (before(place) && ++ahead === DEPTH) return 0;
  }
  return 1;
}
