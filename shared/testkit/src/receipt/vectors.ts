import { Rng } from "@soma/base";
import { type EmbeddingBlob, EmbeddingBlobCodec } from "@soma/protocol";

const UNIT = 2048;

export interface TestBlobOptions {
  readonly job: string;
  readonly encoder: string;
  readonly dimension: number;
  /** How many masks each item has. */
  readonly masksOfItem: readonly number[];
  /** Seeds what all good encoders agree on. */
  readonly truth: number;
  /** Seeds this encoder's own deviation. */
  readonly own: number;
  /** Size of the deviation, in units of a vector's norm; a larger one is a worse encoder. */
  readonly noise: number;
}

/**
 * Made-up vectors with the shape of real ones: an item's vector of about unit norm that good encoders share, and
 * masks and inverses that nearly add up to it.
 */
export function testBlob(options: TestBlobOptions): Uint8Array {
  const { dimension, masksOfItem, noise } = options;
  const own = new Rng(options.own);
  const scale = 1 / Math.sqrt(dimension);
  const deviate = (v: readonly number[], by: number) => v.map((x) => x + (2 * own.float() - 1) * by * scale);
  const items: EmbeddingBlob["items"] = masksOfItem.map((count, item) => {
    const truth = new Rng(options.truth + item);
    const direction = Array.from({ length: dimension }, () => (truth.chance(0.5) ? scale : -scale));
    const full = deviate(direction, noise);
    const parts = Array.from({ length: count }, () => {
      const mask = direction.map((x) => (truth.chance(0.35) ? x : 0));
      return { mask: deviate(mask, noise), inverse: deviate(subtract(direction, mask), noise) };
    });
    return {
      full: quanta(full),
      masks: parts.map(({ mask }) => quanta(mask)),
      inverses: parts.map(({ inverse }) => quanta(inverse)),
    };
  });
  const { job, encoder } = options;
  return EmbeddingBlobCodec.serialize({ job, encoder, dimension, items }).toBytes();
}

function subtract(a: readonly number[], b: readonly number[]): number[] {
  return a.map((x, i) => x - b[i]!);
}

function quanta(vector: readonly number[]): Uint8Array {
  const out = new Uint8Array(2 * vector.length);
  const view = new DataView(out.buffer);
  for (const [i, x] of vector.entries()) view.setInt16(2 * i, Math.round(x * UNIT), true);
  return out;
}
