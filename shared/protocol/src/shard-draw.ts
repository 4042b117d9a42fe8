import { fromHex, ok, type Result, toHex } from "@soma/base";
import { bcs, bytes32, encode, u32 } from "@soma/codec";
import { taggedHash } from "@soma/crypto";
import { quorumOf, rational, shardSeats, shardSeed, WeightedSampler } from "@soma/sampling";
import type { EpochInfo, RosterEntry } from "./epoch.ts";
import type { Digest, EncoderId, JobId } from "./ids.ts";
import type { Parameters } from "./parameter-table.ts";

/** SHARD-1: assumed share of dishonest stake, and the budget for a captured quorum. */
const DISHONEST = rational(1n, 3n);
const BUDGET = rational(1n, 10n ** 13n);

/** One job's encoders in one attempt. */
export interface Shard {
  readonly job: JobId;
  readonly attempt: number;
  /** Seat by seat in draw order; an encoder may hold several. */
  readonly seats: readonly EncoderId[];
  /** Seats that a selection needs (SHARD-4). */
  readonly quorum: number;
  /** Number of seats an encoder holds. */
  readonly seatsOf: ReadonlyMap<EncoderId, number>;
}

/** What one draw depends on. */
export interface ShardDraw {
  readonly chainId: string;
  /** The epoch in which the job's payment committed (GAME-1). */
  readonly epoch: EpochInfo;
  /** Its parameters. */
  readonly parameters: Parameters;
  /** Modality number. */
  readonly modality: number;
  /** beacon(c) of `drawCommit`. */
  readonly beacon: Digest;
  readonly job: JobId;
  readonly attempt: number;
}

/** SHARD-1: the roster of a modality: encoders with an ask for it, in the epoch's order. */
export function modalityRoster(epoch: EpochInfo, modality: number): RosterEntry[] {
  return epoch.roster.filter((entry) => entry.asks.some((ask) => ask.modality === modality));
}

interface Drawable {
  readonly roster: readonly RosterEntry[];
  readonly sampler: Result<WeightedSampler>;
}

/** Rosters checked and sorted once for the many draws of an epoch. */
const drawables = new WeakMap<EpochInfo, Map<number, Drawable>>();

function drawableOf(epoch: EpochInfo, modality: number): Drawable {
  let ofEpoch = drawables.get(epoch);
  if (ofEpoch === undefined) {
    ofEpoch = new Map();
    drawables.set(epoch, ofEpoch);
  }
  let drawable = ofEpoch.get(modality);
  if (drawable === undefined) {
    const roster = modalityRoster(epoch, modality);
    const candidates = roster.map((entry) => ({ id: entry.encoder, stake: entry.stake }));
    drawable = { roster, sampler: WeightedSampler.of(candidates) };
    ofEpoch.set(modality, drawable);
  }
  return drawable;
}

/** SHARD-3: the commit whose beacon draws attempt `attempt` of a job that was paid in commit `paid`. */
export function drawCommit(paid: bigint, attempt: number, parameters: Parameters): bigint {
  return paid + BigInt(parameters.shardDelay) + BigInt(attempt) * BigInt(parameters.selectTimeout);
}

/**
 * SHARD-1, SHARD-3: the shard of one attempt, from a proven beacon and the roster of the job's epoch. Refusals
 * are those of the sampling: SAMPLE_NO_STAKE when nobody with stake asks for the modality, SHARD_NO_SIZE,
 * SHARD_INPUT_INVALID.
 */
export function drawShard(draw: ShardDraw): Result<Shard> {
  const quorum = rational(BigInt(draw.parameters.shardQuorumTenths), 10n);
  const size = shardSeats(DISHONEST, quorum, BUDGET);
  if (!size.ok) return size;
  const { roster, sampler } = drawableOf(draw.epoch, draw.modality);
  if (!sampler.ok) return sampler;
  const seed = shardSeed(draw.chainId, fromHex(draw.beacon), fromHex(draw.job), draw.attempt);
  const drawn = sampler.value.seats(seed, size.value.size);
  if (!drawn.ok) return drawn;
  const seats = drawn.value.map((index) => roster[index]!.encoder);
  const seatsOf = new Map<EncoderId, number>();
  for (const encoder of seats) seatsOf.set(encoder, (seatsOf.get(encoder) ?? 0) + 1);
  return ok({
    job: draw.job,
    attempt: draw.attempt,
    seats,
    quorum: quorumOf(seats.length, quorum),
    seatsOf,
  });
}

const ShardCodec = bcs.struct("Shard", {
  job: bytes32,
  attempt: u32,
  quorum: u32,
  seats: bcs.vector(bytes32),
});

/** Digest of a drawn shard, as the ledger's `ShardDrawn` states it. */
export function shardDigest(chainId: string, shard: Shard): Digest {
  const { job, attempt, quorum } = shard;
  const bytes = encode(ShardCodec, { job, attempt, quorum, seats: [...shard.seats] });
  return toHex(taggedHash("soma.shard.id", chainId, bytes));
}
