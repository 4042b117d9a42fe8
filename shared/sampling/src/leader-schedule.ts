import { err, invariant, ok, type Result } from "@soma/base";
import { leaderSeed } from "./seeds.ts";
import { type Candidate, WeightedSampler } from "./weighted-sampler.ts";

/**
 * The swap table of CONS-7: entry i is the validator that takes the turns of validator i, i itself mostly. The
 * standing is by score, the higher the better, ties by lower index. From its bottom up, validators are swapped
 * while they hold at most `percent` of the stake together; the i-th worst gives its turns to the i-th best, round-robin
 * among as many of the best as there are swapped. A swap needs a strictly lower score, so that equals keep
 * their turns; one without stake has none to give and takes none. Stakes and scores are >= 0, of equal length.
 */
export function swapTable(stakes: readonly bigint[], scores: readonly bigint[], percent: number): number[] {
  const best = [...stakes.keys()].filter((i) => stakes[i]! > 0n);
  best.sort((a, b) => (scores[a]! > scores[b]! ? -1 : scores[a]! < scores[b]! ? 1 : a - b));
  const total = stakes.reduce((sum, stake) => sum + stake, 0n);
  const worst: number[] = [];
  let swapped = 0n;
  for (const validator of best.toReversed()) {
    swapped += stakes[validator]!;
    if (swapped * 100n > total * BigInt(percent)) break;
    worst.push(validator);
  }
  const replacements = best.slice(0, Math.min(worst.length, best.length - worst.length));
  const table = stakes.map((_, i) => i);
  for (const [i, validator] of worst.entries()) {
    const replacement = replacements[i % replacements.length];
    if (replacement !== undefined && scores[replacement]! > scores[validator]!)
      table[validator] = replacement;
  }
  return table;
}

/** Everything a schedule follows from. The committee's order is that of the validators' indices. */
export interface LeaderScheduleOptions {
  readonly chainId: string;
  /** RAND-2, 32 bytes. */
  readonly epochSeed: Uint8Array;
  readonly committee: readonly Candidate[];
  /** Of the last 300 commits, by validator index; none before they are there, and then nobody is swapped. */
  readonly scores?: readonly bigint[];
  /** At most this share of the stake loses its turns, in percent: a governed parameter. */
  readonly badStakePercent: number;
}

/** Who leads which round (CONS-7): stake-weighted by the epoch's seed, through the swap table. Immutable. */
export class LeaderSchedule {
  readonly #options: LeaderScheduleOptions;
  readonly #sampler: WeightedSampler;
  readonly #table: readonly number[];

  private constructor(options: LeaderScheduleOptions, sampler: WeightedSampler, table: readonly number[]) {
    this.#options = options;
    this.#sampler = sampler;
    this.#table = table;
  }

  /** Refuses as `WeightedSampler.of` does, and with SAMPLE_NO_STAKE, SCHEDULE_SEED_INVALID, SCHEDULE_SCORES_INVALID. */
  static of(options: LeaderScheduleOptions): Result<LeaderSchedule> {
    const { committee, scores, epochSeed } = options;
    if (epochSeed.length !== 32) return err("SCHEDULE_SEED_INVALID", "an epoch seed has 32 bytes");
    if (scores !== undefined && (scores.length !== committee.length || scores.some((score) => score < 0n))) {
      return err("SCHEDULE_SCORES_INVALID", "there is not one score >= 0 for each validator");
    }
    const sampler = WeightedSampler.of(committee);
    if (!sampler.ok) return sampler;
    if (sampler.value.eligible === 0) return err("SAMPLE_NO_STAKE", "no validator has stake");
    const stakes = committee.map(({ stake }) => stake);
    const table = swapTable(stakes, scores ?? stakes.map(() => 0n), options.badStakePercent);
    return ok(new LeaderSchedule(options, sampler.value, table));
  }

  /** The index of the validator that leads `round` (u32). */
  leader(round: number): number {
    const { chainId, epochSeed } = this.#options;
    // One draw without replacement is one seat, and needs no copy of the stakes.
    const drawn = this.#sampler.seats(leaderSeed(chainId, epochSeed, round), 1);
    invariant(drawn.ok, "somebody has stake");
    return this.#table[drawn.value[0]!]!;
  }
}
