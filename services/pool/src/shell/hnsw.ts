/** Links of a node, width of the search while building and while asking, and the seed of the levels (POOL-4). */
export const HNSW = { m: 16, efConstruction: 100, ef: 256, seed: 100 } as const;
/** The library that builds the bytes: part of what a segment's file is known by. */
export const HNSW_LIBRARY = "hnswlib-node 3.0.0";

/** What is used of hnswlib-node's index. Written out here, since an optional dependency's own types may be absent. */
export interface Hnsw {
  initIndex(maxElements: number, m: number, efConstruction: number, seed: number): void;
  /** @throws Error unless the vector has the index's dimension */
  addPoint(vector: number[], label: number): void;
  setEf(ef: number): void;
  getCurrentCount(): number;
  /** Labels of at most `count` points, the nearest first. */
  searchKnn(
    vector: number[],
    count: number,
    filter?: (label: number) => boolean,
  ): { readonly neighbors: number[] };
  writeIndex(path: string): Promise<boolean>;
  readIndex(path: string): Promise<boolean>;
}

type HnswClass = new (space: "ip", dimension: number) => Hnsw;

// Not a literal in the import, which the type check would have to find.
const PACKAGE: string = "hnswlib-node";

/** The native library, or undefined where it could not be built: then every search is a scan. */
export async function loadHnsw(): Promise<HnswClass | undefined> {
  try {
    const library: { default: { HierarchicalNSW: HnswClass } } = await import(PACKAGE);
    return library.default.HierarchicalNSW;
  } catch {
    return undefined;
  }
}

/** A vector of length one as the library takes it. `squaredNorm` is above zero. */
export function direction(vector: Int16Array, squaredNorm: number): number[] {
  const scale = 1 / Math.sqrt(squaredNorm);
  return Array.from(vector, (x) => x * scale);
}
