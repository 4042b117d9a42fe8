export { type Centroid, centroid, classify, type LabelScore } from "./classify.ts";
export { type Cursor, formatCursor, parseCursor } from "./cursor.ts";
export { candidatesFor, type SearchSituation } from "./plan-search.ts";
export { type BookedJob, type Filter, PoolBook } from "./pool-book.ts";
export { recommendationQuery } from "./recommend.ts";
export { leadingDimensions, ROTATION_ONE, type Rotation } from "./rotation.ts";
export { type Ranked, type ScanQuery, scan } from "./scan.ts";
export { BLOCK, planSegments, type Segment } from "./segments.ts";
export { UNIT, unitVector } from "./unit.ts";
export {
  type RowFilter,
  type TableChunk,
  type TableLayout,
  VectorTable,
} from "./vector-table.ts";
