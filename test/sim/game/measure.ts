import type { Strategy } from "./conduct.ts";
import { type Played, playJob } from "./play.ts";

/** What a strategy did over many jobs, in base units a job; gains are against honest play of the same seeds. */
export interface Measured {
  readonly strategy: Strategy;
  readonly jobs: number;
  /** The deviating side together (its team, and the submitter if it owns it), absolute and against honest play. */
  readonly net: bigint;
  readonly gain: bigint;
  /** Burned out of the job's escrow. */
  readonly burned: bigint;
  /** The encoders outside the team together. */
  readonly othersGain: bigint;
  /** The submitter, if it is not of the team. */
  readonly payerGain: bigint;
  readonly teamSlashed: bigint;
  readonly othersSlashed: bigint;
  readonly outcomes: ReadonlyMap<string, number>;
  /** Jobs that one of the team won, deviating and honest. */
  readonly won: number;
  readonly wonHonestly: number;
  readonly causes: ReadonlyMap<string, number>;
}

export interface MeasureOptions {
  readonly firstSeed: number;
  readonly jobs: number;
  readonly fee: bigint;
}

export function measure(strategy: Strategy, { firstSeed, jobs, fee }: MeasureOptions): Measured {
  const sums = {
    net: 0n,
    burned: 0n,
    gain: 0n,
    othersGain: 0n,
    payerGain: 0n,
    teamSlashed: 0n,
    othersSlashed: 0n,
  };
  const outcomes = new Map<string, number>();
  const causes = new Map<string, number>();
  let won = 0;
  let wonHonestly = 0;
  for (let seed = firstSeed; seed < firstSeed + jobs; seed++) {
    const played = playJob({ seed, strategy, fee });
    const honest = playHonestly(seed, fee);
    const { players, submitter } = played.world;
    const team = new Set(strategy.team.map((index) => players[index]!.id));
    for (const { id } of players) {
      const change = deltaOf(played, id) - deltaOf(honest, id);
      if (team.has(id)) sums.net += deltaOf(played, id);
      if (team.has(id)) sums.gain += change;
      else sums.othersGain += change;
    }
    const payer = deltaOf(played, submitter) - deltaOf(honest, submitter);
    sums.burned += played.burned;
    if (strategy.ownsSubmitter) sums.net += deltaOf(played, submitter);
    if (strategy.ownsSubmitter) sums.gain += payer;
    else sums.payerGain += payer;
    for (const slash of played.slashes) {
      if (team.has(slash.encoder)) sums.teamSlashed += slash.amount;
      else sums.othersSlashed += slash.amount;
      count(causes, slash.cause);
    }
    count(outcomes, played.outcome);
    if (played.winner !== null && team.has(played.winner)) won++;
    if (honest.winner !== null && team.has(honest.winner)) wonHonestly++;
  }
  const n = BigInt(jobs);
  return {
    strategy,
    jobs,
    net: sums.net / n,
    gain: sums.gain / n,
    burned: sums.burned / n,
    othersGain: sums.othersGain / n,
    payerGain: sums.payerGain / n,
    teamSlashed: sums.teamSlashed / n,
    othersSlashed: sums.othersSlashed / n,
    outcomes,
    won,
    wonHonestly,
    causes,
  };
}

const honestPlays = new Map<string, Played>();

/** The same job with everybody honest; played once a seed. */
function playHonestly(seed: number, fee: bigint): Played {
  const key = `${seed} ${fee}`;
  let played = honestPlays.get(key);
  if (played === undefined) {
    played = playJob({ seed, strategy: null, fee });
    honestPlays.set(key, played);
  }
  return played;
}

function deltaOf(played: Played, account: string): bigint {
  return played.deltas.get(account) ?? 0n;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
