import { err, ok, type Result } from "@soma/base";
import type {
  ClassifyByPool,
  Payload,
  PoolPoint,
  RecommendFromPool,
  Reply,
  SearchPool,
} from "@soma/contracts";
import { squaredNorm } from "@soma/embedding";
import {
  candidatesFor,
  type Filter,
  formatCursor,
  leadingDimensions,
  parseCursor,
  type Ranked,
  type RowFilter,
  recommendationQuery,
} from "../core/index.ts";
import type { Pool } from "./pool.ts";

type Hits = Reply<typeof SearchPool>;
type Listing = Omit<Payload<typeof SearchPool>, "vector" | "near">;

/** Labels of an answer, the best first. */
const LABELS_SHOWN = 8;

/** Answers questions about the pool. Refusals are codes: POOL_*. */
export class Answers {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Refusals: POOL_QUERY, POOL_ITEM_NOT_FOUND, POOL_QUERY_ZERO, and those of a listing. */
  async search({ vector, near, ...listing }: Payload<typeof SearchPool>): Promise<Result<Hits>> {
    if ((vector === null) === (near === null)) {
      return err("POOL_QUERY", "give either a vector or an item that the pool holds as near");
    }
    if (near !== null) {
      const held = this.#vectorOf(near);
      return held.ok ? this.#list(held.value, [], listing) : held;
    }
    return this.#list(Int16Array.from(vector!), [], listing);
  }

  /** Refusals: POOL_ITEM_NOT_FOUND, POOL_DIMENSION, POOL_QUERY_ZERO, and those of a listing. */
  async recommend({
    positive,
    negative,
    ...listing
  }: Payload<typeof RecommendFromPool>): Promise<Result<Hits>> {
    const [liked, disliked] = [this.#vectorsOf(positive), this.#vectorsOf(negative)];
    if (!liked.ok) return liked;
    if (!disliked.ok) return disliked;
    const query = recommendationQuery(liked.value, disliked.value);
    if (query === undefined)
      return err("POOL_QUERY_ZERO", "the examples cancel out, so there is no direction");
    const rows = [...positive, ...negative].flatMap((point) =>
      "job" in point ? [this.#pool.book.rowOf(point.job, point.item)!] : [],
    );
    return this.#list(query, rows, listing);
  }

  /** Refusals: POOL_LABEL_TWICE, POOL_LABEL_EMPTY, POOL_ITEM_NOT_FOUND, POOL_DIMENSION. */
  async classify(question: Payload<typeof ClassifyByPool>): Promise<Result<Reply<typeof ClassifyByPool>>> {
    const names = question.labels.map(({ label }) => label);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) return err("POOL_LABEL_TWICE", `label ${twice} is given twice`);
    const labels: Int16Array[][] = [];
    for (const { examples } of question.labels) {
      const vectors = this.#vectorsOf(examples);
      if (!vectors.ok) return vectors;
      labels.push(vectors.value);
    }
    const items = this.#vectorsOf(question.items);
    if (!items.ok) return items;
    const dimension = items.value[0]!.length;
    if ([...labels.flat(), ...items.value].some(({ length }) => length !== dimension)) {
      return err("POOL_DIMENSION", "examples and items are of different dimensions");
    }
    const done = await this.#pool.threads.classify({ labels, items: items.value });
    if ("empty" in done) {
      return err("POOL_LABEL_EMPTY", `the examples of label ${names[done.empty]} cancel out; give others`);
    }
    return ok({
      items: done.items.map((scores) => ({
        labels: scores
          .slice(0, LABELS_SHOWN)
          .map(({ label, similarity }) => ({ label: names[label]!, similarity })),
      })),
    });
  }

  /** Refusals: POOL_DIMENSION, POOL_NO_ROTATION, POOL_CURSOR, POOL_QUERY_ZERO. */
  async #list(query: Int16Array, except: readonly number[], listing: Listing): Promise<Result<Hits>> {
    const { book, table, index, threads } = this.#pool;
    if (table === undefined) return ok(this.#hits([], 0, true, null));
    const compared = this.#compared(query, listing.dimensions);
    if (!compared.ok) return compared;
    const vector = compared.value;
    const norm = squaredNorm(vector);
    if (norm === 0) return err("POOL_QUERY_ZERO", "the query is the zero vector, which has no direction");
    const from = listing.cursor === null ? null : parseCursor(listing.cursor, book.rows);
    if (from?.ok === false) return from;
    const leading = listing.dimensions !== null;
    const [seen, after] = from === null ? [0, null] : [from.value.seen, from.value.row];
    const size = from?.value.size ?? (leading ? threads.rotated : book.rows);
    const filter = this.#rowFilter(listing.filter);
    if (filter === undefined) return ok(this.#hits([], size, true, null));

    const { limit, exact } = listing;
    const count = candidatesFor({
      size,
      indexed: index?.indexed ?? 0,
      matching: listing.filter === null ? size : book.matching(listing.filter),
      seen: seen + except.length,
      limit,
      wholeVectors: !leading,
      exact,
    });
    const scan = (from: number, candidates: Uint32Array): Promise<Ranked[]> =>
      // One more than asked for tells whether there are more.
      threads.scan({ vector, leading, filter, from, to: size, candidates, after, except, limit: limit + 1 });
    if (count > 0 && index !== undefined) {
      const { indexed } = index;
      const candidates = await index.propose({ vector, squaredNorm: norm, count, filter });
      const found = await scan(
        Math.min(indexed, size),
        candidates.filter((row) => row < size),
      );
      // A filter may leave fewer than were asked for, although more match: then all are looked at.
      if (found.length > limit) return ok(this.#page(found, size, false, seen, limit, vector));
    }
    return ok(this.#page(await scan(0, new Uint32Array()), size, true, seen, limit, vector));
  }

  /** The query in the dimensions that are compared. */
  #compared(query: Int16Array, dimensions: number | null): Result<Int16Array> {
    const { dimension } = this.#pool.table!.layout;
    if (dimensions === null) {
      if (query.length === dimension) return ok(query);
      return err(
        "POOL_DIMENSION",
        `the pool's vectors have ${dimension} dimensions, the query ${query.length}`,
      );
    }
    const rotation = this.#pool.checkLeading(dimensions);
    if (!rotation.ok) return rotation;
    if (query.length === dimensions) return ok(query);
    if (query.length === dimension) return ok(leadingDimensions(rotation.value, query, dimensions));
    return err(
      "POOL_DIMENSION",
      `give all ${dimension} dimensions or the ${dimensions} leading ones, not ${query.length}`,
    );
  }

  /** Null when nothing is asked for, undefined when nothing can match. */
  #rowFilter(filter: Filter | null): RowFilter | null | undefined {
    if (filter === null) return null;
    const submitter = filter.submitter === null ? null : this.#pool.book.submitterNumber(filter.submitter);
    if (submitter === undefined) return undefined;
    return {
      modality: filter.modality,
      submitter,
      fromEpoch: Number(filter.fromEpoch ?? 0n),
      toEpoch: filter.toEpoch === null ? Number.MAX_VALUE : Number(filter.toEpoch),
    };
  }

  #page(found: Ranked[], size: number, exact: boolean, seen: number, limit: number, query: Int16Array): Hits {
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    const isMore = found.length > limit && last !== undefined;
    const cursor = isMore ? formatCursor({ size, row: last.row, seen: seen + shown.length }) : null;
    const length = Math.sqrt(squaredNorm(query));
    return this.#hits(
      shown.map(({ row, dot, squaredNorm }) => {
        const { job, item } = this.#pool.book.itemOf(row);
        const { winner, payer, epoch, modality } = job;
        const similarity = dot / Math.sqrt(squaredNorm) / length;
        return { job: job.job, item, similarity, winner, payer, epoch, modality };
      }),
      size,
      exact,
      cursor,
    );
  }

  #hits(hits: Hits["hits"], total: number, exact: boolean, cursor: string | null): Hits {
    return { commit: this.#pool.book.lastCommit, total, exact, hits, cursor };
  }

  #vectorOf({ job, item }: { readonly job: string; readonly item: number }): Result<Int16Array> {
    const vector = this.#pool.vector(job, item);
    return vector === undefined
      ? err("POOL_ITEM_NOT_FOUND", `the pool does not hold item ${item} of job ${job}`)
      : ok(vector);
  }

  /** Copies, since they cross to a thread. */
  #vectorsOf(points: readonly PoolPoint[]): Result<Int16Array[]> {
    const dimension = this.#pool.table?.layout.dimension;
    const vectors: Int16Array[] = [];
    for (const point of points) {
      const vector = "job" in point ? this.#vectorOf(point) : ok(Int16Array.from(point.vector));
      if (!vector.ok) return vector;
      if (dimension !== undefined && vector.value.length !== dimension) {
        return err(
          "POOL_DIMENSION",
          `the pool's vectors have ${dimension} dimensions, an example ${vector.value.length}`,
        );
      }
      vectors.push(vector.value.slice());
    }
    return ok(vectors);
  }
}
