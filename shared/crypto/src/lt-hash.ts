import { shake128 } from "@noble/hashes/sha3.js";
import { bytesEqual, concatBytes, err, ok, type Result, u32be } from "@soma/base";
import { domain, taggedHash } from "./hash.ts";

const LANES = 1024;
const WIDTH = 2 * LANES;
/** Expansions that are remembered, two kilobytes each. */
const RECENT = 4096;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** SHAKE128 of the parts, squeezed to 2048 bytes. */
export type LtExpand = (...parts: readonly Uint8Array[]) => Uint8Array;

const expandInJavaScript: LtExpand = (...parts) => shake128(concatBytes(...parts), { dkLen: WIDTH });

/**
 * The state digest of LEDGER-5: a hash of a set of (key, value) that changes with the set in constant time and
 * does not depend on the order of changes (LtHash of Bellare and Micciancio, 1024 lanes of 16 bits, added modulo
 * 2^16; about 200 bits of collision resistance). Changing a value is `remove` of the old and `add` of the new;
 * what is removed must be in the set, or the digest stands for no set at all.
 *
 * Cost of one `add` or `remove` on the project's reference machine: 40 us with SHAKE128 in JavaScript, 7 us
 * with the native one (`ltExpandNative`), for entries up to some hundred bytes. SHAKE128 was taken for that
 * second number: TurboSHAKE128 is twice as fast in JavaScript, but neither OpenSSL nor other languages'
 * standard libraries have it.
 */
export class LtHash {
  readonly #chainId: string;
  readonly #expand: LtExpand;
  readonly #lanes: Uint16Array;
  /** Of entries that were put in of late, by their value: what changes often is taken out at half the price. */
  readonly #recent = new Map<Uint8Array, { readonly key: Uint8Array; readonly expansion: Uint8Array }>();

  private constructor(chainId: string, lanes: Uint16Array, expand: LtExpand) {
    this.#chainId = chainId;
    this.#lanes = lanes;
    this.#expand = expand;
  }

  /** The hash of the empty set. `expand` may be a faster SHAKE128; it must be SHAKE128. */
  static empty(chainId: string, expand: LtExpand = expandInJavaScript): LtHash {
    return new LtHash(chainId, new Uint16Array(LANES), expand);
  }

  /** From `toBytes`. Refuses with LT_HASH_WIDTH other than 2048 bytes. */
  static fromBytes(
    chainId: string,
    bytes: Uint8Array,
    expand: LtExpand = expandInJavaScript,
  ): Result<LtHash> {
    if (bytes.length !== WIDTH) return err("LT_HASH_WIDTH", `an LtHash has ${WIDTH} bytes`);
    const hash = LtHash.empty(chainId, expand);
    hash.#combine(bytes, 1);
    return ok(hash);
  }

  /** Puts (key, value) into the set. Neither may change its bytes from now on. */
  add(key: Uint8Array, value: Uint8Array): void {
    const expansion = this.#entry(key, value);
    this.#combine(expansion, 1);
    this.#recent.set(value, { key, expansion });
    if (this.#recent.size > RECENT) this.#recent.delete(this.#recent.keys().next().value!);
  }

  /** Takes (key, value) out of the set that it is in. */
  remove(key: Uint8Array, value: Uint8Array): void {
    const recent = this.#recent.get(value);
    const isKnown = recent !== undefined && bytesEqual(recent.key, key);
    if (isKnown) this.#recent.delete(value);
    this.#combine(isKnown ? recent.expansion : this.#entry(key, value), -1);
  }

  /** An independent copy. */
  clone(): LtHash {
    return new LtHash(this.#chainId, this.#lanes.slice(), this.#expand);
  }

  /** The lanes, little endian: 2048 bytes. */
  toBytes(): Uint8Array {
    const out = new Uint8Array(WIDTH);
    for (let i = 0; i < LANES; i++) {
      out[2 * i] = this.#lanes[i]! & 255;
      out[2 * i + 1] = this.#lanes[i]! >>> 8;
    }
    return out;
  }

  /** 32 bytes that name the set. */
  digest(): Uint8Array {
    return taggedHash("soma.state.digest", this.#chainId, this.toBytes());
  }

  #entry(key: Uint8Array, value: Uint8Array): Uint8Array {
    return this.#expand(domain("soma.state.entry", this.#chainId), u32be(key.length), key, value);
  }

  #combine(bytes: Uint8Array, sign: 1 | -1): void {
    const lanes = this.#lanes;
    if (IS_LITTLE_ENDIAN && bytes.byteOffset % 2 === 0) {
      const words = new Uint16Array(bytes.buffer, bytes.byteOffset, LANES);
      if (sign === 1) for (let i = 0; i < LANES; i++) lanes[i]! += words[i]!;
      else for (let i = 0; i < LANES; i++) lanes[i]! -= words[i]!;
      return;
    }
    for (let i = 0; i < LANES; i++) lanes[i]! += sign * (bytes[2 * i]! | (bytes[2 * i + 1]! << 8));
  }
}
