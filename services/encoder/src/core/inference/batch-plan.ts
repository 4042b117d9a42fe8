/** One batch: rows of one length, so that nothing is padded. */
export interface Batch {
  /** Elements of every row. */
  readonly length: number;
  /** Places in the list of rows. */
  readonly rows: readonly number[];
}

export interface BatchLimits {
  /** Elements of a batch, rows x length; at least one pair of rows is always taken. */
  readonly tokens: number;
  /** Bound on rows x length^2, what attention's memory grows with. */
  readonly attention: number;
}

/**
 * A megabyte of token vectors a batch, which stays in a core's cache: with 16 times as many, our models took a CPU 15 to
 * 77 % longer for each row. A GPU wants more. And 256 MB of attention of four heads.
 */
export const BATCH_LIMITS: BatchLimits = { tokens: 1024, attention: 16_777_216 };

/**
 * Rows into batches, longest first so that the largest comes when memory is still free. Rows of different lengths
 * never share a batch: padding wastes work, and a model whose convolutions see the padding answers in other last
 * bits. A batch has at least two rows (the second may repeat the first): with one row, runtimes choose other
 * kernels, with other last bits.
 */
export function planBatches(lengths: readonly number[], limits: BatchLimits): Batch[] {
  const byLength = new Map<number, number[]>();
  for (const [row, length] of lengths.entries()) {
    const group = byLength.get(length);
    if (group === undefined) byLength.set(length, [row]);
    else group.push(row);
  }
  const batches: Batch[] = [];
  for (const [length, rows] of [...byLength].sort(([a], [b]) => b - a)) {
    const most = rowsOf(length, limits);
    for (let at = 0; at < rows.length; at += most) {
      const slice = rows.slice(at, at + most);
      batches.push({ length, rows: slice.length === 1 ? [slice[0]!, slice[0]!] : slice });
    }
  }
  return batches;
}

function rowsOf(length: number, limits: BatchLimits): number {
  const byTokens = Math.floor(limits.tokens / length);
  const byAttention = Math.floor(limits.attention / (length * length));
  return Math.max(2, Math.min(byTokens, byAttention));
}
