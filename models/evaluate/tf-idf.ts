/**
 * The baseline: which document is nearest by the cosine of TF-IDF vectors, with sublinear counts
 * (1 + ln count) and smoothed idf (ln((1 + n) / (1 + df)) + 1) from the documents that are searched.
 */
export class TfIdf {
  readonly #idf: ReadonlyMap<string, number>;
  /** Documents and weights by word. */
  readonly #postings = new Map<string, { readonly document: number; readonly weight: number }[]>();
  readonly #count: number;

  constructor(documents: readonly string[]) {
    this.#count = documents.length;
    const frequency = new Map<string, number>();
    for (const text of documents) {
      for (const word of new Set(wordsOf(text))) frequency.set(word, (frequency.get(word) ?? 0) + 1);
    }
    this.#idf = new Map(
      [...frequency].map(([word, df]) => [word, Math.log((1 + documents.length) / (1 + df)) + 1]),
    );
    for (const [document, text] of documents.entries()) {
      for (const [word, weight] of this.#vector(text)) {
        const postings = this.#postings.get(word);
        if (postings === undefined) this.#postings.set(word, [{ document, weight }]);
        else postings.push({ document, weight });
      }
    }
  }

  /** Cosine of every document to the query; 0 where they share no word. */
  scores(query: string): Float64Array {
    const scores = new Float64Array(this.#count);
    for (const [word, weight] of this.#vector(query)) {
      for (const posting of this.#postings.get(word) ?? [])
        scores[posting.document]! += weight * posting.weight;
    }
    return scores;
  }

  /** A unit vector over the words that the documents have. */
  #vector(text: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const vector = new Map<string, number>();
    let square = 0;
    for (const [word, count] of counts) {
      const idf = this.#idf.get(word);
      if (idf === undefined) continue;
      const weight = (1 + Math.log(count)) * idf;
      vector.set(word, weight);
      square += weight * weight;
    }
    for (const [word, weight] of vector) vector.set(word, weight / Math.sqrt(square));
    return vector;
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}
