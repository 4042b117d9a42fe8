import { ceilDiv, err, ok, type Result } from "@soma/base";
import {
  binomialTail,
  hypergeometricTail,
  type Rational,
  rational,
  shardSeats,
  shardSize,
  toNumber,
} from "@soma/sampling";
import { EVENTS, type EventName, type Shard, seatsAgainstProof, thresholdOf } from "./events.ts";
import { NETWORKS, QUORUMS, type SecurityQuestion } from "./question.ts";

/** Exact probability of each event. */
export type EventTails = Readonly<Record<EventName, Rational>>;

/** SHARD-1's seats (`encoders` null), or SHARD-2's equal nodes without replacement, `dishonest` of them. */
export interface SizeRow {
  readonly encoders: number | null;
  readonly dishonest: number | null;
  readonly quorum: Rational;
  readonly size: number;
  readonly first: number;
  readonly tails: EventTails;
}

/** Shard size against network size. Refuses as `shardSize` does. */
export function sizesStudy({ dishonest, budget }: SecurityQuestion): Result<SizeRow[]> {
  const rows: SizeRow[] = [];
  for (const quorum of QUORUMS) {
    for (const encoders of NETWORKS) {
      const found = shardSize({ encoders, dishonest, quorum, budget, rounding: "ceil" });
      if (!found.ok) return found;
      const { size, first } = found.value;
      const count = Number(ceilDiv(BigInt(encoders) * dishonest.num, dishonest.den));
      const tails = eventTails((event) => headsTail(encoders, count, size, thresholdOf(event, size, quorum)));
      rows.push({ encoders, dishonest: count, quorum, size, first, tails });
    }
    const seats = shardSeats(dishonest, quorum, budget);
    if (!seats.ok) return seats;
    const tails = seatsTails({ quorum, seats: seats.value.size }, dishonest);
    rows.push({ encoders: null, dishonest: null, quorum, ...seats.value, tails });
  }
  return ok(rows);
}

function eventTails(tailOf: (event: EventName) => Rational): EventTails {
  return { quorum: tailOf("quorum"), proof: tailOf("proof"), majority: tailOf("majority") };
}

/** P[each event] for seats drawn with replacement, each dishonest with probability `share`. */
export function seatsTails({ quorum, seats }: Shard, share: Rational): EventTails {
  return eventTails((event) => seatsTail(seats, share, thresholdOf(event, seats, quorum)));
}

export function seatsTail(seats: number, share: Rational, threshold: number): Rational {
  const { num, den } = binomialTail(seats, share, threshold);
  return rational(num, den);
}

/** P[at least `threshold` dishonest] among `size` of `encoders` equal ones. @throws RangeError on other numbers */
export function headsTail(encoders: number, dishonest: number, size: number, threshold: number): Rational {
  const tail = hypergeometricTail(encoders, dishonest, size, threshold);
  if (!tail.ok) throw new RangeError(tail.message);
  return tail.value;
}

/** What a budget asks for. */
export interface BudgetRow {
  readonly budget: Rational;
  readonly quorum: Rational;
  /** SHARD-1. */
  readonly seats: number;
  /** SHARD-2 for a network of a thousand. */
  readonly ofThousand: number;
  /** If the budget bounded final proofs by the dishonest alone; null: no shard up to the largest allowed. */
  readonly againstProof: number | null;
}

const BUDGET_POWERS = [3, 5, 7, 9, 11, 13, 15];

function powerOfTen(power: number): Rational {
  return rational(1n, 10n ** BigInt(power));
}

/** Shard size against the budget. Refuses as `shardSize` does. */
export function budgetsStudy({ dishonest }: SecurityQuestion): Result<BudgetRow[]> {
  const rows: BudgetRow[] = [];
  for (const quorum of QUORUMS) {
    for (const power of BUDGET_POWERS) {
      const budget = powerOfTen(power);
      const seats = shardSeats(dishonest, quorum, budget);
      if (!seats.ok) return seats;
      const ofThousand = shardSize({ encoders: 1000, dishonest, quorum, budget, rounding: "ceil" });
      if (!ofThousand.ok) return ofThousand;
      const proof = seatsAgainstProof(dishonest, quorum, budget);
      rows.push({
        budget,
        quorum,
        seats: seats.value.size,
        ofThousand: ofThousand.value.size,
        againstProof: proof.ok ? proof.value.size : null,
      });
    }
  }
  return ok(rows);
}

export interface CaptureRow {
  readonly share: Rational;
  readonly shard: Shard;
  readonly tails: EventTails;
}

/** Shares of the stake that the events are shown for: 5 to 45 %, and a third. */
export const SHARES: readonly Rational[] = [
  ...[5n, 10n, 15n, 20n, 25n, 30n].map((percent) => rational(percent, 100n)),
  rational(1n, 3n),
  rational(40n, 100n),
  rational(45n, 100n),
];

/** What dishonest stake can do to the protocol's shards, exactly. */
export function captureStudy(shards: readonly Shard[]): CaptureRow[] {
  return shards.flatMap((shard) =>
    SHARES.map((share) => ({ share, shard, tails: seatsTails(shard, share) })),
  );
}

/** ECON-9, for one probability a job and one pace. Times in seconds. */
export interface PoissonRow {
  readonly event: "budget" | EventName;
  /** Of the shard that the event is about. */
  readonly shard: Shard | null;
  readonly probability: Rational;
  readonly jobsPerSecond: number;
  /** Events a second. */
  readonly rate: number;
  readonly mean: number;
  readonly median: number;
  /** Probability of at least one within a year. */
  readonly withinYear: number;
}

/** Of 365.25 days. */
export const YEAR_SECONDS = 31_557_600;
const POISSON_POWERS = [9, 11, 13, 15];

/** ECON-9: seconds between events that come `rate` times a second, independently. For reading: nothing is decided by it. */
export function timesBetween(rate: number): { readonly mean: number; readonly median: number } {
  return { mean: 1 / rate, median: Math.LN2 / rate };
}

/** Times between events: for budgets, and for what a shard of the protocol really has at the dishonest share. */
export function poissonStudy(question: SecurityQuestion, shards: readonly Shard[]): Result<PoissonRow[]> {
  const { budget, dishonest, jobsPerSecond } = question;
  if (!(jobsPerSecond > 0)) return err("SIM_RATE_INVALID", "jobs a second are more than 0");
  const budgets = [...POISSON_POWERS.map(powerOfTen), budget]
    .sort((a, b) => toNumber(b) - toNumber(a))
    .filter((one, i, all) => i === 0 || toNumber(one) !== toNumber(all[i - 1]!));
  const paces = [...new Set([1, 1000, jobsPerSecond])].sort((a, b) => a - b);
  const row = (event: PoissonRow["event"], shard: Shard | null, probability: Rational, pace: number) => {
    const rate = toNumber(probability) * pace;
    // For reading only: nothing is decided by it (ARITH-3).
    const withinYear = -Math.expm1(-rate * YEAR_SECONDS);
    const times = { rate, ...timesBetween(rate), withinYear };
    return { event, shard, probability, jobsPerSecond: pace, ...times };
  };
  const events = shards.flatMap((shard) => {
    const tails = seatsTails(shard, dishonest);
    return EVENTS.flatMap((event) => paces.map((pace) => row(event, shard, tails[event], pace)));
  });
  return ok([...budgets.flatMap((one) => paces.map((pace) => row("budget", null, one, pace))), ...events]);
}
