import { squaredNorm } from "@soma/embedding";
import { type Rotation, rotateInto } from "./rotation.ts";

/** Rows of a chunk, a power of two. */
export const CHUNK_ROWS = 4096;
const SHIFT = 12;
const MASK = CHUNK_ROWS - 1;

/** Columns of up to CHUNK_ROWS rows in memory that threads share. */
export interface TableChunk {
  /** int16 components, row by row. */
  readonly vectors: Int16Array;
  /** |v|^2, exact; 0 for an item on which nobody qualified. */
  readonly norms: Float64Array;
  /** The leading dimensions after the rotation, row by row; filled by `rotate`. */
  readonly leading: Int16Array;
  readonly epochs: Float64Array;
  readonly submitters: Uint32Array;
  readonly modalities: Uint8Array;
}

export interface TableLayout {
  readonly dimension: number;
  readonly rotation: Rotation | null;
}

export interface RowFacts {
  readonly epoch: number;
  /** Number of the submitter in the book. */
  readonly submitter: number;
  readonly modality: number;
}

/** Only rows of these facts; null leaves a fact free. */
export interface RowFilter {
  readonly modality: number | null;
  readonly submitter: number | null;
  /** Both included. */
  readonly fromEpoch: number;
  readonly toEpoch: number;
}

/** Vectors by row, in the order of the ledger. One thread appends; others attach its chunks and read what it told them of. */
export class VectorTable {
  readonly layout: TableLayout;
  readonly chunks: TableChunk[] = [];

  constructor(layout: TableLayout) {
    this.layout = layout;
  }

  /** Another thread's next chunk. */
  attach(chunk: TableChunk): void {
    this.chunks.push(chunk);
  }

  /** Writes row `row`, the one after the last; returns the chunk if that had to be made for it. */
  append(row: number, vector: Int16Array, facts: RowFacts): TableChunk | undefined {
    const { dimension, rotation } = this.layout;
    const at = row & MASK;
    const made = at === 0 ? newChunk(dimension, rotation?.leading ?? 0) : undefined;
    if (made !== undefined) this.chunks.push(made);
    const chunk = this.chunks[row >> SHIFT]!;
    chunk.vectors.set(vector, at * dimension);
    chunk.norms[at] = squaredNorm(vector);
    chunk.epochs[at] = facts.epoch;
    chunk.submitters[at] = facts.submitter;
    chunk.modalities[at] = facts.modality;
    return made;
  }

  chunkOf(row: number): TableChunk {
    return this.chunks[row >> SHIFT]!;
  }

  norm(row: number): number {
    return this.chunkOf(row).norms[row & MASK]!;
  }

  /** A view, not a copy. */
  vector(row: number): Int16Array {
    const { dimension } = this.layout;
    const at = (row & MASK) * dimension;
    return this.chunkOf(row).vectors.subarray(at, at + dimension);
  }

  /** A view of the leading dimensions; zeros until `rotate` was there. */
  leading(row: number, count: number): Int16Array {
    const at = (row & MASK) * (this.layout.rotation?.leading ?? 0);
    return this.chunkOf(row).leading.subarray(at, at + count);
  }

  /** Fills the leading dimensions of rows `from` up to `to`. */
  rotate(from: number, to: number): void {
    const { rotation } = this.layout;
    if (rotation === null) return;
    for (let row = from; row < to; row++) {
      rotateInto(this.leading(row, rotation.leading), rotation, this.vector(row), rotation.leading);
    }
  }

  matches(row: number, filter: RowFilter): boolean {
    const chunk = this.chunkOf(row);
    const at = row & MASK;
    const epoch = chunk.epochs[at]!;
    return (
      (filter.modality === null || chunk.modalities[at] === filter.modality) &&
      (filter.submitter === null || chunk.submitters[at] === filter.submitter) &&
      epoch >= filter.fromEpoch &&
      epoch <= filter.toEpoch
    );
  }
}

function newChunk(dimension: number, leading: number): TableChunk {
  return {
    vectors: new Int16Array(new SharedArrayBuffer(2 * CHUNK_ROWS * dimension)),
    norms: new Float64Array(new SharedArrayBuffer(8 * CHUNK_ROWS)),
    leading: new Int16Array(new SharedArrayBuffer(2 * CHUNK_ROWS * leading)),
    epochs: new Float64Array(new SharedArrayBuffer(8 * CHUNK_ROWS)),
    submitters: new Uint32Array(new SharedArrayBuffer(4 * CHUNK_ROWS)),
    modalities: new Uint8Array(new SharedArrayBuffer(CHUNK_ROWS)),
  };
}
