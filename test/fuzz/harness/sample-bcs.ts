import { Rng, toHex } from "@soma/base";
import { type Codec, encode, type Reader } from "@soma/codec";

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

  read64(): bigint {
    return this.#rng.chance(0.1) ? 2n ** 64n - 1n : BigInt(this.#integer(0xffffffff));
  }

  read128(): bigint {
    return this.read64();
  }

  readBytes(count: number): Uint8Array {
    this.#left -= count;
    if (count > 4_096) throw new RangeError("too long for a sample");
    return Uint8Array.from({ length: count }, () => 97 + this.#rng.below(26));
  }

  readHex(count: number): string {
    return toHex(this.readBytes(count));
  }

  readText(count: number): string {
    return String.fromCharCode(...this.readBytes(count));
  }

  takeElements(): void {}

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
      const bytes = encode<Input>(codec, codec.read(new InventingReader(rng) as unknown as Reader));
      samples.set(Buffer.from(bytes).toString("base64"), bytes);
    } catch {
      // Not a value of the type; the next one may be.
    }
  }
  if (samples.size === 0) throw new Error("no sample could be made of this type");
  return [...samples.values()];
}
