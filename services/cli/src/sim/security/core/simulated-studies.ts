import { ok, type Result } from "@soma/base";
import { quorumOf, type Rational, rational, toNumber } from "@soma/sampling";
import { type Estimate, plainEstimate, proportion, weighedEstimate } from "./estimate.ts";
import { EVENTS, type EventName, type Shard, thresholdOf } from "./events.ts";
import { headsTail, seatsTail } from "./exact-studies.ts";
import type { SecurityQuestion } from "./question.ts";
import { DISTRIBUTIONS, type Distribution, type Roster, rosterOf } from "./rosters.ts";
import type { DrawCase, DrawRule, Tally } from "./simulate.ts";

/** How a case's tally is read; a study is its readings. */
export type TallyOf = (draw: DrawCase) => Tally;

/** One event under one rule, in one network. */
export interface DrawRow {
  readonly rule: DrawRule;
  readonly distribution: Distribution;
  readonly shard: Shard;
  readonly event: EventName;
  readonly threshold: number;
  /** Dishonest share of the stake, as whole encoders give it. */
  readonly share: Rational;
  /** Binomial for seats, hypergeometric for equal heads; null where no closed form is known. */
  readonly exact: Rational | null;
  readonly plain: Estimate;
  /** By importance sampling; null where the stakes were not tilted. */
  readonly weighed: Estimate | null;
  readonly tilt: number;
}

interface DrawPlan {
  readonly row: Omit<DrawRow, "plain" | "weighed">;
  readonly plain: DrawCase;
  readonly tilted: DrawCase | null;
}

/** The rules and networks that are drawn: seats of every distribution, and heads where many small stakes tell. */
const DRAWN: readonly (readonly [DrawRule, Distribution])[] = [
  ...DISTRIBUTIONS.map((distribution) => ["seats", distribution] as const),
  ["heads", "equal"],
  ["heads", "zipf"],
];

/** Refuses as `rosterOf` does. */
function planDraws(question: SecurityQuestion, shards: readonly Shard[]): Result<DrawPlan[]> {
  const { encoders, dishonest } = question;
  const plans: DrawPlan[] = [];
  for (const [rule, distribution] of DRAWN) {
    const roster = rosterOf(distribution, encoders, dishonest);
    if (!roster.ok) return roster;
    for (const shard of shards) {
      const seats = rule === "heads" ? Math.min(shard.seats, encoders) : shard.seats;
      const base = { rule, distribution, encoders, share: dishonest, seats, attempts: 1 };
      const name = `${rule} ${distribution} ${encoders} ${seats}`;
      const plain = { ...base, name, tilt: 1, threshold: thresholdOf("quorum", seats, shard.quorum) };
      for (const event of EVENTS) {
        const threshold = thresholdOf(event, seats, shard.quorum);
        const tilt = tiltFor(rule, distribution, roster.value, seats, threshold);
        const tilted = tilt === 1 ? null : { ...base, name: `${name} tilt ${tilt}`, tilt, threshold };
        const exact = exactTail(rule, distribution, roster.value, seats, threshold);
        const row = { rule, distribution, shard: { ...shard, seats }, event, threshold, exact, tilt };
        plans.push({ row: { ...row, share: roster.value.share }, plain, tilted });
      }
    }
  }
  return ok(plans);
}

function exactTail(
  rule: DrawRule,
  distribution: Distribution,
  { share, isDishonest }: Roster,
  seats: number,
  threshold: number,
): Rational | null {
  if (rule === "seats") return seatsTail(seats, share, threshold);
  if (distribution !== "equal") return null;
  return headsTail(isDishonest.length, headsOf(isDishonest), seats, threshold);
}

function headsOf(isDishonest: readonly boolean[]): number {
  return isDishonest.filter(Boolean).length;
}

/**
 * How many times the dishonest stake is drawn as, so that the threshold is about as often met as missed: where it is
 * rarer than one in a hundred and its exact tail is known to be held against.
 */
function tiltFor(
  rule: DrawRule,
  distribution: Distribution,
  roster: Roster,
  seats: number,
  threshold: number,
): number {
  const exact = exactTail(rule, distribution, roster, seats, threshold);
  if (exact === null || exact.num === 0n || toNumber(exact) > 0.01) return 1;
  const [dishonest, honest] = [threshold - 0.5, seats - threshold + 0.5];
  if (rule === "seats") {
    const share = toNumber(roster.share);
    return Math.max(1, Math.round((dishonest * (1 - share)) / (honest * share)));
  }
  // Without replacement the dishonest run out: the odds at which each side's expected rest fits (Wallenius). How a study
  // is drawn, not what a shard is: the weights undo any odds, so the last bits of a logarithm do not matter (ARITH-3).
  const heads = headsOf(roster.isDishonest);
  const others = roster.isDishonest.length - heads;
  const odds = Math.log(1 - dishonest / heads) / Math.log(1 - honest / others);
  return Number.isFinite(odds) ? Math.max(1, Math.round(odds)) : 1;
}

/** Every case once, in order; none without draws. Refuses as `rosterOf` does. */
export function drawCases(question: SecurityQuestion, shards: readonly Shard[]): Result<DrawCase[]> {
  const plans = planDraws(question, shards);
  if (!plans.ok) return plans;
  const cases = plans.value.flatMap(({ plain, tilted }) => (tilted === null ? [plain] : [plain, tilted]));
  return ok([...new Map(cases.map((one) => [one.name, one])).values()]);
}

/** Monte Carlo beside the exact tails. Refuses as `rosterOf` does. */
export function drawsStudy(
  question: SecurityQuestion,
  shards: readonly Shard[],
  tallyOf: TallyOf,
): Result<DrawRow[]> {
  const plans = planDraws(question, shards);
  if (!plans.ok) return plans;
  return ok(
    plans.value.map(({ row, plain, tilted }) => ({
      ...row,
      plain: plainEstimate(tallyOf(plain), row.threshold),
      weighed: tilted === null ? null : weighedEstimate(tallyOf(tilted), row.threshold),
    })),
  );
}

/** Attempts that a job has (SHARD-3). */
export const ATTEMPTS = 3;

/** A shard stalls when the seats that answer are no quorum. */
export interface StallRow {
  readonly shard: Shard;
  /** Silent share of the stake. */
  readonly silent: Rational;
  /** Of one attempt, and of a job: all its attempts, each drawn anew. */
  readonly attempt: Rational;
  readonly job: Rational;
  readonly drawnAttempt: Estimate;
  readonly drawnJob: Estimate;
}

/** 0 to 30 % in steps of 5, and a third: all that the protocol's assumption grants an adversary. */
const SILENT: readonly Rational[] = [
  ...[0n, 5n, 10n, 15n, 20n, 25n, 30n].map((percent) => rational(percent, 100n)),
  rational(1n, 3n),
];

/** Encoders of equal stake, of which each silent share is a whole number. */
const STALL_ENCODERS = 300;

function stallCase({ quorum, seats }: Shard, silent: Rational): DrawCase {
  const name = `stall ${seats} ${silent.num}/${silent.den}`;
  const threshold = seats - quorumOf(seats, quorum) + 1;
  const network = { distribution: "equal", encoders: STALL_ENCODERS, share: silent } as const;
  return { name, rule: "seats", ...network, seats, tilt: 1, attempts: ATTEMPTS, threshold };
}

function stallQuestions(shards: readonly Shard[]): { shard: Shard; silent: Rational; draw: DrawCase }[] {
  return shards.flatMap((shard) =>
    SILENT.map((silent) => ({ shard, silent, draw: stallCase(shard, silent) })),
  );
}

export function stallCases(shards: readonly Shard[]): DrawCase[] {
  return stallQuestions(shards).map(({ draw }) => draw);
}

/** Stalls, exact beside drawn. */
export function stallsStudy(shards: readonly Shard[], tallyOf: TallyOf): StallRow[] {
  return stallQuestions(shards).map(({ shard, silent, draw }) => {
    const attempt = seatsTail(shard.seats, silent, draw.threshold);
    const job = rational(attempt.num ** BigInt(ATTEMPTS), attempt.den ** BigInt(ATTEMPTS));
    const { jobs, ...tally } = tallyOf(draw);
    const drawn = jobs.reduce((sum, n) => sum + n, 0);
    return {
      shard,
      silent,
      attempt,
      job,
      drawnAttempt: plainEstimate({ jobs, ...tally }, draw.threshold),
      drawnJob: proportion(jobs[ATTEMPTS]!, drawn),
    };
  });
}
