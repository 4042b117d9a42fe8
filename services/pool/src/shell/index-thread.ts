import { SomaError } from "@soma/base";
import {
  type RowFilter,
  type Segment,
  type TableChunk,
  type TableLayout,
  VectorTable,
} from "../core/index.ts";
import { direction, HNSW, type Hnsw, loadHnsw } from "./hnsw.ts";
import type { SegmentFile } from "./segment-files.ts";
import { answerQuestions } from "./thread.ts";

export interface Proposal {
  readonly vector: Int16Array;
  readonly squaredNorm: number;
  /** Of each segment. */
  readonly count: number;
  readonly filter: RowFilter | null;
}

export type IndexRequest =
  | { readonly kind: "open"; readonly layout: TableLayout }
  | { readonly kind: "attach"; readonly chunk: TableChunk }
  | { readonly kind: "load"; readonly file: SegmentFile }
  | { readonly kind: "propose"; readonly proposal: Proposal };

let table: VectorTable | undefined;
let loaded: { readonly segment: Segment; readonly index: Hnsw }[] = [];

/** Loads a segment's file; segments that it covers go. */
async function load(file: SegmentFile): Promise<void> {
  const Library = await loadHnsw();
  if (Library === undefined) throw new SomaError("POOL_NO_HNSW", "hnswlib-node is not built here");
  const index = new Library("ip", table!.layout.dimension);
  await index.readIndex(file.path);
  index.setEf(HNSW.ef);
  const others = loaded.filter(({ segment }) => segment.to <= file.from || segment.from >= file.to);
  loaded = [...others, { segment: { from: file.from, to: file.to }, index }];
}

function propose({ vector, squaredNorm, count, filter }: Proposal): Uint32Array {
  const asked = direction(vector, squaredNorm);
  const matches = filter === null ? undefined : (row: number) => table!.matches(row, filter);
  const rows: number[] = [];
  for (const { index } of loaded) {
    const most = Math.min(count, index.getCurrentCount());
    index.setEf(Math.max(HNSW.ef, most));
    if (most > 0) rows.push(...index.searchKnn(asked, most, matches).neighbors);
  }
  return Uint32Array.from(rows);
}

answerQuestions<IndexRequest, Uint32Array | null>(async (request) => {
  if (request.kind === "open") table = new VectorTable(request.layout);
  else if (request.kind === "attach") table!.attach(request.chunk);
  else if (request.kind === "load") await load(request.file);
  else return propose(request.proposal);
  return null;
});
