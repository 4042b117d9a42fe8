/** Rows `from` up to `to`, not included. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/** Rows of the smallest segment; fewer than that at the end of the table are scanned. */
export const BLOCK = 16_384;
/** Rows of the largest segment. */
const LARGEST = BLOCK * 64;

/**
 * POOL-4: how the rows are cut into segments that an index is built of, each from scratch: a function of their number
 * alone, so that every replica, restarted or not, builds the same ones. As the digits of a binary counter (the
 * logarithmic method of Bentley and Saxe): the largest power of two of blocks that fits, then the next.
 */
export function planSegments(size: number, block: number = BLOCK, largest: number = LARGEST): Segment[] {
  const segments: Segment[] = [];
  for (let from = 0, left = Math.floor(size / block); left > 0; ) {
    let blocks = 1;
    while (2 * blocks <= left && 2 * blocks * block <= largest) blocks *= 2;
    segments.push({ from, to: from + blocks * block });
    from += blocks * block;
    left -= blocks;
  }
  return segments;
}
