import { Rng } from "@soma/base";
import { type Codec, encode } from "@soma/codec";

type BcsReader = Parameters<Codec<unknown, unknown>["read"]>[0];

/**
 * A reader that makes up what is asked of it, so that reading a type gives a value of it. A number that does not fit
 * (the index of an enum's entry that is not there) fails the read, and another is begun.
 */
class InventingReader {
  readonly #rng: Rng;
  /** Lengths shrink with what was made, or nested vectors would not end. */
  #left = 400;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Also what booleans are read with. */
  read8(): number {
    return this.#rng.below(2);
  }

  read16(): number {
    return this.#integer(0xffff);
  }

  read32(): number {
    return this.#integer(0xffffffff);
  }

  /** Decimal text, as of the library's reader. */
  read64(): string {
    return this.#rng.chance(0.1) ? (2n ** 64n - 1n).toString() : BigInt(this.#integer(0xffffffff)).toString();
  }

  read128(): string {
    return this.read64();
  }

  /** Letters, since texts are read with it too. */
  readBytes(count: number): Uint8Array {
    this.#left -= count;
    if (count > 4_096) throw new RangeError("too long for a sample");
    return Uint8Array.from({ length: count }, () => 97 + this.#rng.below(26));
  }

  readULEB(): number {
    this.#left -= 1;
    if (this.#left < 0) return 0;
    const most = this.#rng.pick([1, 1, 1, 2, 4, 20]);
    return this.#rng.below(most + 1);
  }

  #integer(most: number): number {
    return this.#rng.pick([0, 1, 2, this.#rng.below(1000), this.#rng.below(most), most]);
  }
}

/** Encodings of values that were made up, the same for the same seed. */
export function sampleBcs<T extends Input, Input>(
  codec: Codec<T, Input>,
  count: number,
  seed = 1,
): Uint8Array[] {
  const rng = new Rng(seed);
  const samples = new Map<string, Uint8Array>();
  for (let attempt = 0; attempt < 200 * count && samples.size < count; attempt++) {
    try {
      const bytes = encode<Input>(codec, codec.read(new InventingReader(rng) as unknown as BcsReader));
      samples.set(Buffer.from(bytes).toString("base64"), bytes);
    } catch {
      // Not a value of the type; the next one may be.
    }
  }
  if (samples.size === 0) throw new Error("no sample could be made of this type");
  return [...samples.values()];
}
