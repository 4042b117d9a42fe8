import { invariant, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { type Rational, shardSeed, WeightedSampler } from "@soma/sampling";
import { type Distribution, type Roster, rosterOf, tilted } from "./rosters.ts";

/** SAMPLE-2, which draws shards, or the text's estimate: SAMPLE-1, without replacement. */
export type DrawRule = "seats" | "heads";

/** One network and shard, drawn from again and again. */
export interface DrawCase {
  /** Unique among the cases of a run; the draws follow from it and the seed. */
  readonly name: string;
  readonly rule: DrawRule;
  readonly distribution: Distribution;
  readonly encoders: number;
  /** Share of the stake whose holders are counted: dishonest or silent ones. */
  readonly share: Rational;
  readonly seats: number;
  /** Their stake is drawn as if it were so many times as large, and each draw weighed by its likelihood; 1: as it is. */
  readonly tilt: number;
  /** Shards drawn for a job, with the same roster. */
  readonly attempts: number;
  /** A shard with at least so many counted seats is a hit of its job. */
  readonly threshold: number;
}

/** Jobs `from` to `from + count` of a case. */
export interface DrawTask {
  readonly seed: number;
  readonly draw: DrawCase;
  readonly from: number;
  readonly count: number;
}

/** Sums over jobs. All but the last are by the number k of counted seats in a shard, 0 to `seats`. */
export interface Tally {
  readonly counts: readonly number[];
  /** Of likelihood ratios, true over drawn probability, and of their squares. */
  readonly weights: readonly number[];
  readonly squares: readonly number[];
  /** By the number of hits among a job's attempts. */
  readonly jobs: readonly number[];
}

/** What a case draws from, checked once: the roster and, for its tilt, the sampler with the factor a seat. */
interface Network {
  readonly roster: Roster;
  readonly sampler: WeightedSampler;
  readonly stakes: readonly number[];
  readonly total: number;
  readonly tiltedTotal: number;
}

function networkOf({ distribution, encoders, share, tilt }: DrawCase): Network {
  const roster = rosterOf(distribution, encoders, share);
  invariant(roster.ok, "the plan has a roster");
  const candidates = tilted(roster.value, tilt);
  const sampler = WeightedSampler.of(candidates);
  invariant(sampler.ok, "a roster can be drawn from");
  const stakes = roster.value.candidates.map(({ stake }) => Number(stake));
  return {
    roster: roster.value,
    sampler: sampler.value,
    stakes,
    total: stakes.reduce((sum, stake) => sum + stake, 0),
    tiltedTotal: candidates.reduce((sum, { stake }) => sum + Number(stake), 0),
  };
}

/**
 * Draws shards with the ledger's own code (SHARD-3's seed, SAMPLE-1 or SAMPLE-2) and counts. A function of its task
 * alone: the same sums on any thread.
 */
export function simulate({ seed, draw, from, count }: DrawTask): Tally {
  const network = networkOf(draw);
  const zeros = () => Array.from({ length: draw.seats + 1 }, () => 0);
  const [counts, weights, squares] = [zeros(), zeros(), zeros()];
  const jobs = Array.from({ length: draw.attempts + 1 }, () => 0);
  const beacon = sha256(utf8(`soma sim security ${seed} ${draw.name}`));
  for (let job = from; job < from + count; job++) {
    const id = sha256(utf8(`job ${job}`));
    let hits = 0;
    for (let attempt = 0; attempt < draw.attempts; attempt++) {
      const drawn = drawShard(network, draw, shardSeed("sim", beacon, id, attempt));
      const weight = likelihood(network, draw, drawn);
      const k = drawn.filter((index) => network.roster.isDishonest[index]).length;
      counts[k]! += 1;
      weights[k]! += weight;
      squares[k]! += weight * weight;
      if (k >= draw.threshold) hits += 1;
    }
    jobs[hits]! += 1;
  }
  return { counts, weights, squares, jobs };
}

function drawShard({ sampler }: Network, { rule, seats }: DrawCase, seed: Uint8Array): number[] {
  const drawn = rule === "seats" ? sampler.seats(seed, seats) : sampler.sample(seed, seats);
  invariant(drawn.ok, "a plan's case can be drawn");
  return drawn.value;
}

/** Of these draws in this order: their probability by the true stakes over that by the tilted ones. */
function likelihood(network: Network, { rule, tilt }: DrawCase, drawn: readonly number[]): number {
  if (tilt === 1) return 1;
  let [rest, tiltedRest] = [network.total, network.tiltedTotal];
  let ratio = 1;
  for (const index of drawn) {
    const factor = network.roster.isDishonest[index] === true ? tilt : 1;
    ratio *= tiltedRest / (rest * factor);
    if (rule === "seats") continue;
    rest -= network.stakes[index]!;
    tiltedRest -= network.stakes[index]! * factor;
  }
  return ratio;
}

/** The sums of tallies of one case, added in the order given. */
export function merge(tallies: readonly Tally[]): Tally {
  const add = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i]!);
  return tallies.reduce((sum, next) => ({
    counts: add(sum.counts, next.counts),
    weights: add(sum.weights, next.weights),
    squares: add(sum.squares, next.squares),
    jobs: add(sum.jobs, next.jobs),
  }));
}
