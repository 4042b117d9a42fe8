import { concatBytes, u32be } from "@soma/base";
import { domain, sha256 } from "@soma/crypto";

const TWO_32 = 0x1_0000_0000;
const WORDS = 8;

/** What seeds the masks of one item (MASK-2). Hashes are 32 bytes. */
export interface MaskSeed {
  readonly chainId: string;
  /** Digest of the last committed block of the previous epoch. */
  readonly block: Uint8Array;
  /** Beacon of the job's shard draw: unknown when the data hash was fixed. */
  readonly beacon: Uint8Array;
  /** Hash of the item's data. */
  readonly dataHash: Uint8Array;
}

/** Uniform integers, one after the other. */
export interface IntegerStream {
  /** Uniform in [0, bound), 1 <= bound <= 2^32. */
  below(bound: number): number;
}

/**
 * The stream of mask `index` (MASK-2). Counter c = 0, 1, ... yields eight u32, the big-endian words of
 * H("soma.mask", chain, block, beacon, data hash, u32 index, u32 c), first word first. `below(m)` takes the
 * next word r, refuses r >= floor(2^32/m)*m and takes another, and answers r mod m. No word is used twice
 * and none is skipped, also across redraws of the mask.
 */
export function maskSeedStream(seed: MaskSeed, index: number): IntegerStream {
  const counted = u32be(0);
  const hashed = concatBytes(
    domain("soma.mask", seed.chainId),
    seed.block,
    seed.beacon,
    seed.dataHash,
    u32be(index),
    counted,
  );
  const view = new DataView(hashed.buffer, hashed.length - counted.length);
  let counter = 0;
  let at = WORDS;
  let digest: Uint8Array = new Uint8Array(0);
  const word = (): number => {
    if (at === WORDS) {
      view.setUint32(0, counter++);
      digest = sha256(hashed);
      at = 0;
    }
    const i = 4 * at++;
    return ((digest[i]! << 24) | (digest[i + 1]! << 16) | (digest[i + 2]! << 8) | digest[i + 3]!) >>> 0;
  };
  return {
    below(bound) {
      const limit = TWO_32 - (TWO_32 % bound);
      let r = word();
      while (r >= limit) r = word();
      return r % bound;
    },
  };
}
