import { compareHex, err, fromHex, isHex, ok, type Result, toHex } from "@soma/base";
import { taggedHash } from "@soma/crypto";

/** A value that is only ordered, never computed with; numbers and bigints compare exactly. */
export type Ordinal = number | bigint;

export interface CompositeInput {
  /** Differential losses: lower is better. One entry an encoder here and below. */
  readonly loss: readonly Ordinal[];
  /** Local outlier factors: lower is better. */
  readonly lof: readonly Ordinal[];
  /** Places in the order of signed receipts: lower is better. */
  readonly latency: readonly Ordinal[];
  /** True for the disqualified and the silent, who share the last places in every order. */
  readonly last?: readonly boolean[];
  /** `tieLot` of each encoder: lower wins a tie. Without lots, the lower position does. */
  readonly lots?: readonly string[];
}

export interface CompositeRanks {
  readonly loss: number[];
  readonly lof: number[];
  readonly latency: number[];
  /** 6000*rank(DL) + 2500*rank(LOF) + 1500*rank(latency), doubled ranks; lower is better. */
  readonly composite: number[];
  /** Mid-rank percentile of the composite, floor(10^6 * (r - 1) / (2n)), r its doubled rank (SCORE-2). */
  readonly percentilePpm: number[];
  /** Position of the winner; null if nobody qualifies. */
  readonly winner: number | null;
}

/** What settles a tie that pays somebody (ARITH-6): hex of H("soma.lot", chain, seed, id). `id` is hex. */
export function tieLot(chainId: string, seed: Uint8Array, id: string): string {
  return toHex(taggedHash("soma.lot", chainId, seed, fromHex(id)));
}

/**
 * Twice the average rank, 1 = best (lowest value): equal values share the mean of their places, so that every
 * rank is an integer (SCORE-1). Positions with `last` share the places after all others.
 */
export function doubledRanks(values: readonly Ordinal[], last: readonly boolean[] = []): number[] {
  const order = values
    .map((_, i) => i)
    .sort(
      (i, j) =>
        Number(last[i] ?? false) - Number(last[j] ?? false) || compareOrdinals(values[i]!, values[j]!),
    );
  const tied = (i: number, j: number) =>
    (last[i] === true && last[j] === true) ||
    (last[i] !== true && last[j] !== true && compareOrdinals(values[i]!, values[j]!) === 0);
  const out = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && tied(order[start]!, order[end]!)) end++;
    // Places start+1 .. end, whose doubled mean is start + 1 + end.
    for (let at = start; at < end; at++) out[order[at]!] = start + 1 + end;
    start = end;
  }
  return out;
}

/** SCORE-2: floor(10^6 * (r - 1) / (2n)) for a doubled rank r among n; in the middle of its place, so 500 000 for all equal. */
export function midRankPercentile(rank: number, n: number): number {
  const scaled = 1_000_000 * (rank - 1);
  return (scaled - (scaled % (2 * n))) / (2 * n);
}

/**
 * SCORE-1. Winner: lowest 7*rank(DL) + 3*rank(LOF) among those not `last`.
 * Refusals: SCORE_COUNT (no encoder, or lists of different lengths), SCORE_NOT_FINITE, SCORE_LOT (not hex).
 */
export function composite(input: CompositeInput): Result<CompositeRanks> {
  const { loss, lof, latency, last = [], lots } = input;
  const n = loss.length;
  if (n === 0 || lof.length !== n || latency.length !== n || (lots !== undefined && lots.length !== n)) {
    return err("SCORE_COUNT", "one loss, factor, latency and lot for each encoder");
  }
  if (![...loss, ...lof, ...latency].every((x) => typeof x === "bigint" || Number.isFinite(x))) {
    return err("SCORE_NOT_FINITE", "a value is not a finite number");
  }
  if (lots !== undefined && !lots.every((lot) => isHex(lot))) return err("SCORE_LOT", "a lot is not hex");

  const byLoss = doubledRanks(loss, last);
  const byLof = doubledRanks(lof, last);
  const byLatency = doubledRanks(latency, last);
  const sums = byLoss.map((rank, i) => 6000 * rank + 2500 * byLof[i]! + 1500 * byLatency[i]!);
  const percentilePpm = doubledRanks(sums).map((rank) => midRankPercentile(rank, n));
  const merit = (i: number) => 7 * byLoss[i]! + 3 * byLof[i]!;
  let winner: number | null = null;
  for (let i = 0; i < n; i++) {
    if (last[i] === true) continue;
    if (winner === null || merit(i) < merit(winner)) winner = i;
    else if (merit(i) === merit(winner) && lots !== undefined && compareHex(lots[i]!, lots[winner]!) < 0)
      winner = i;
  }
  return ok({ loss: byLoss, lof: byLof, latency: byLatency, composite: sums, percentilePpm, winner });
}

function compareOrdinals(a: Ordinal, b: Ordinal): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
