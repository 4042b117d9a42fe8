import { compareHex, err, isHex, ok, type Result, u32be } from "@soma/base";
import { sha256 } from "@soma/crypto";

/** Somebody who can be drawn: a unique id in lower-case hex, and a stake in base units. */
export interface Candidate {
  readonly id: string;
  readonly stake: bigint;
}

/** Bounds of one call (ARITH-4): above them the input is refused. */
export const MAX_CANDIDATES = 1_000_000;
export const MAX_DRAWS = 65_536;

const RANGE = 1n << 256n;

function toInteger(hash: Uint8Array): bigint {
  let n = 0n;
  for (let i = 0; i < 32; i += 4) {
    const word = hash[i]! * 0x1000000 + ((hash[i + 1]! << 16) | (hash[i + 2]! << 8) | hash[i + 3]!);
    n = (n << 32n) | BigInt(word);
  }
  return n;
}

/**
 * The integer of draw d (SAMPLE-1): the first attempt a with r = SHA-256(seed || u32 d || u32 a) below the
 * largest multiple of `total`, taken mod `total`, hence exactly uniform. More than half of all r pass, so 2^32
 * attempts do not run out.
 */
function uniformBelow(total: bigint, seed: Uint8Array, draw: number): bigint {
  const limit = RANGE - (RANGE % total);
  const d = u32be(draw);
  for (let attempt = 0; ; attempt++) {
    const r = toInteger(sha256(seed, d, u32be(attempt)));
    if (r < limit) return r % total;
  }
}

/** Prefix sums that allow removal (a Fenwick tree): find and remove in log n additions. */
class StakeTree {
  readonly #nodes: bigint[];
  readonly #top: number;
  total: bigint;

  private constructor(nodes: bigint[], total: bigint) {
    this.#nodes = nodes;
    this.total = total;
    this.#top = nodes.length > 1 ? 2 ** (31 - Math.clz32(nodes.length - 1)) : 0;
  }

  static of(stakes: readonly bigint[]): StakeTree {
    const nodes = [0n, ...stakes];
    let total = 0n;
    for (let i = 1; i < nodes.length; i++) {
      total += stakes[i - 1]!;
      const parent = i + (i & -i);
      if (parent < nodes.length) nodes[parent]! += nodes[i]!;
    }
    return new StakeTree(nodes, total);
  }

  copy(): StakeTree {
    return new StakeTree([...this.#nodes], this.total);
  }

  /** The first position whose cumulative stake exceeds `point`; 0 <= point < total. */
  find(point: bigint): number {
    let at = 0;
    let rest = point;
    for (let step = this.#top; step > 0; step >>>= 1) {
      const next = at + step;
      if (next < this.#nodes.length && this.#nodes[next]! <= rest) {
        at = next;
        rest -= this.#nodes[next]!;
      }
    }
    return at;
  }

  /** Takes the whole `stake` of `position` away. */
  remove(position: number, stake: bigint): void {
    this.total -= stake;
    for (let i = position + 1; i < this.#nodes.length; i += i & -i) this.#nodes[i]! -= stake;
  }
}

/** Candidates checked and sorted once, for many draws. Immutable. */
export class WeightedSampler {
  /** Indices into the caller's array, of those with stake > 0, in the order of their ids. */
  readonly #order: readonly number[];
  readonly #stakes: readonly bigint[];
  readonly #tree: StakeTree;

  private constructor(order: readonly number[], stakes: readonly bigint[]) {
    this.#order = order;
    this.#stakes = stakes;
    this.#tree = StakeTree.of(stakes);
  }

  /**
   * Refusals: SAMPLE_TOO_MANY, SAMPLE_ID_MALFORMED, SAMPLE_ID_DUPLICATE, SAMPLE_STAKE_NEGATIVE,
   * SAMPLE_STAKE_TOO_LARGE (more than 2^256 together).
   */
  static of(candidates: readonly Candidate[]): Result<WeightedSampler> {
    if (candidates.length > MAX_CANDIDATES) return err("SAMPLE_TOO_MANY", "too many candidates");
    const order: number[] = [];
    const seen = new Set<string>();
    let total = 0n;
    for (const [index, { id, stake }] of candidates.entries()) {
      if (id.length === 0 || !isHex(id)) return err("SAMPLE_ID_MALFORMED", "an id is not lower-case hex");
      if (seen.has(id)) return err("SAMPLE_ID_DUPLICATE", "an id stands twice");
      if (stake < 0n) return err("SAMPLE_STAKE_NEGATIVE", "a stake is negative");
      seen.add(id);
      total += stake;
      if (stake > 0n) order.push(index);
    }
    if (total > RANGE) return err("SAMPLE_STAKE_TOO_LARGE", "the stakes exceed 256 bits");
    order.sort((a, b) => compareHex(candidates[a]!.id, candidates[b]!.id));
    return ok(
      new WeightedSampler(
        order,
        order.map((index) => candidates[index]!.stake),
      ),
    );
  }

  /** How many candidates can be drawn. */
  get eligible(): number {
    return this.#order.length;
  }

  /** SAMPLE-1: `m` draws without replacement, or all eligible in draw order if they are fewer. */
  sample(seed: Uint8Array, m: number): Result<number[]> {
    if (!isCount(m)) return err("SAMPLE_COUNT_INVALID", "the number of draws is out of bounds");
    const tree = this.#tree.copy();
    const drawn: number[] = [];
    for (let d = 0; d < Math.min(m, this.#order.length); d++) {
      const position = tree.find(uniformBelow(tree.total, seed, d));
      tree.remove(position, this.#stakes[position]!);
      drawn.push(this.#order[position]!);
    }
    return ok(drawn);
  }

  /** SAMPLE-2: `n` draws with replacement. Refuses with SAMPLE_NO_STAKE when nobody has stake and n > 0. */
  seats(seed: Uint8Array, n: number): Result<number[]> {
    if (!isCount(n)) return err("SAMPLE_COUNT_INVALID", "the number of seats is out of bounds");
    if (n > 0 && this.#order.length === 0) return err("SAMPLE_NO_STAKE", "no candidate has stake");
    const drawn: number[] = [];
    for (let d = 0; d < n; d++) {
      drawn.push(this.#order[this.#tree.find(uniformBelow(this.#tree.total, seed, d))]!);
    }
    return ok(drawn);
  }
}

function isCount(n: number): boolean {
  return Number.isInteger(n) && n >= 0 && n <= MAX_DRAWS;
}

/**
 * SAMPLE-1, stake-weighted without replacement: indices into `candidates` in draw order. `seed` is a hash of
 * its own tag (ARITH-5). Refusals: those of `WeightedSampler.of`, and SAMPLE_COUNT_INVALID.
 */
export function sampleWeighted(
  seed: Uint8Array,
  candidates: readonly Candidate[],
  m: number,
): Result<number[]> {
  const sampler = WeightedSampler.of(candidates);
  return sampler.ok ? sampler.value.sample(seed, m) : sampler;
}

/** SAMPLE-2, seats: the same walk without removing, so that an index may stand several times. */
export function sampleSeats(seed: Uint8Array, candidates: readonly Candidate[], n: number): Result<number[]> {
  const sampler = WeightedSampler.of(candidates);
  return sampler.ok ? sampler.value.seats(seed, n) : sampler;
}
