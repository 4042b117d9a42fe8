import type { HierarchicalNSW } from "hnswlib-node";

/** Links of a node, width of the search while building and while asking, and the seed of the levels (POOL-4). */
export const HNSW = { m: 16, efConstruction: 100, ef: 256, seed: 100 } as const;
/** The library that builds the bytes: part of what a segment's file is known by. */
export const HNSW_LIBRARY = "hnswlib-node 3.0.0";

export type Hnsw = HierarchicalNSW;
type HnswClass = new (space: "ip", dimension: number) => Hnsw;

/** The native library, or undefined where it could not be built: then every search is a scan. */
export async function loadHnsw(): Promise<HnswClass | undefined> {
  try {
    const library = await import("hnswlib-node");
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
