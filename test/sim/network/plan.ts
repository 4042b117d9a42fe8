import type { Rng } from "@soma/base";
import { initialParameters, type Parameters } from "@soma/protocol";
import { LATENCIES, type LatencyName } from "@soma/testkit/sim";
import { STRATEGIES, type Strategy } from "../consensus/byzantine-host.ts";
import { DIMENSION } from "../game/vectors.ts";
import { ENCODER_FAULTS, type EncoderFault } from "./faulty-encoder.ts";
import type { ReleaseFault } from "./release-fault.ts";
import { SUBMITTER_CONDUCTS, type SubmitterConduct } from "./submitter.ts";

/** Who and what is faulty in a run, and how the network treats messages: all of it follows from the seed. */
export interface Plan {
  readonly parameters: Parameters;
  readonly latency: LatencyName;
  readonly loss: number;
  readonly duplication: number;
  readonly validatorStakes: readonly bigint[];
  readonly encoderStakes: readonly bigint[];
  /** By index: less than a third of the stake, with lost signer logs. */
  readonly byzantine: ReadonlyMap<number, readonly Strategy[]>;
  readonly lost: ReadonlySet<number>;
  readonly leaver: number | null;
  readonly joins: boolean;
  readonly hasVandal: boolean;
  readonly encoderFaults: ReadonlyMap<number, EncoderFault>;
  readonly encoderNoise: readonly number[];
  readonly jobs: readonly SubmitterConduct[];
  readonly fault: ReleaseFault | null;
}

/** Commits that one of the shrunk windows lasts. */
const SELECT = 44;
const REVEAL = 36;
const PROOF = 36;

export function drawPlan(rng: Rng, validators: number, encoders: number, jobs: number): Plan {
  const isEqual = rng.chance(0.5);
  const validatorStakes = Array.from({ length: validators }, () =>
    isEqual ? 1_000n : BigInt(rng.between(950, 1_250)),
  );
  const { byzantine, lost } = drawFaulty(rng, validatorStakes);
  const joins = rng.chance(0.6);
  const honest = validatorStakes.flatMap((_, i) => (byzantine.has(i) || lost.has(i) ? [] : [i]));
  return {
    parameters: {
      ...initialParameters("devnet"),
      epochLength: BigInt(rng.between(5_000, 7_000)),
      gcDepth: rng.pick([8, 20, 60]),
      scheduleCommits: rng.pick([5, 10, 30]),
      commitBatch: rng.pick([5, 20]),
      leaderTimeout: rng.pick([120, 200]),
      minRoundDelay: rng.pick([70, 100]),
      checkpointInterval: 100n,
      checkpointCommits: rng.pick([1, 2, 3]),
      embeddingDimension: DIMENSION,
      masks: 3,
      shardAttempts: 2,
      selectTimeout: SELECT,
      revealTimeout: REVEAL,
      proofTimeout: PROOF,
      unbondingEpochs: 1,
    },
    latency: rng.pick([...(Object.keys(LATENCIES) as LatencyName[]), "lan", "lan"] as const),
    loss: rng.pick([0, 0, 0.01, 0.04]),
    duplication: rng.pick([0, 0.03]),
    validatorStakes,
    encoderStakes: Array.from({ length: encoders }, () => BigInt(rng.between(90, 130))),
    byzantine,
    lost,
    leaver: joins && rng.chance(0.6) ? rng.pick(honest) : null,
    joins,
    hasVandal: rng.chance(0.8),
    encoderFaults: drawEncoderFaults(rng, encoders),
    encoderNoise: Array.from({ length: encoders }, () => 0.08 + 0.2 * rng.float()),
    jobs: Array.from({ length: jobs }, () => (rng.chance(0.4) ? "honest" : rng.pick(SUBMITTER_CONDUCTS))),
    fault: drawFault(rng),
  };
}

/** Mostly none: a halt costs a run much of what it would else meet. */
function drawFault(rng: Rng): ReleaseFault | null {
  const fate = rng.float();
  if (fate < 0.12) return { kind: "settlement", epoch: 0n };
  if (fate < 0.24) return { kind: "execution", how: rng.pick(["mints", "throws"] as const) };
  return null;
}

/** One validator at most is Byzantine or loses its signer log: who joins, leaves or is banned moves the bound. */
function drawFaulty(rng: Rng, stakes: readonly bigint[]) {
  const byzantine = new Map<number, Strategy[]>();
  const lost = new Set<number>();
  const total = stakes.reduce((sum, stake) => sum + stake, 0n);
  const index = rng.below(stakes.length);
  if (3n * stakes[index]! < total) {
    const fate = rng.float();
    if (fate < 0.45) byzantine.set(index, rng.shuffle(STRATEGIES).slice(0, rng.between(1, 4)));
    else if (fate < 0.7) lost.add(index);
  }
  return { byzantine, lost };
}

/** Mostly none or one; sometimes so many of one kind that jobs take another way out. */
function drawEncoderFaults(rng: Rng, encoders: number): Map<number, EncoderFault> {
  const faults = new Map<number, EncoderFault>();
  const order = rng.shuffle(Array.from({ length: encoders }, (_, i) => i));
  const regime = rng.float();
  if (regime < 0.2) return faults;
  if (regime < 0.6) {
    faults.set(order[0]!, rng.pick(ENCODER_FAULTS));
    return faults;
  }
  const fault = rng.pick([
    "silent",
    "mismatch",
    "hides-reveal",
    "refuses-to-sign",
    "refuses-to-sign",
  ] as const);
  const count = Math.ceil(encoders * rng.pick([0.4, 0.5, 0.9]));
  for (const index of order.slice(0, count)) faults.set(index, fault);
  return faults;
}
