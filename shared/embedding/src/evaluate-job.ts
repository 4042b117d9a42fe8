import { compareHex, err, isHex, ok, type Result } from "@soma/base";
import { composite, tieLot } from "./composite.ts";
import type { ItemEmbeddings } from "./differential-loss.ts";
import type {
  EvaluatedEncoder,
  ItemEvaluation,
  JobEvaluation,
  JobToEvaluate,
  Standing,
} from "./evaluation.ts";
import { MAX_MASKS } from "./mask.ts";
import { type ItemScores, meanScores, scoreItem } from "./score-item.ts";
import { normBands } from "./space-gates.ts";
import { isVector, MAX_DIMENSION } from "./vector.ts";
import { weightedAverage, weights } from "./weight.ts";

/** Items of a job at most (GAME). */
export const MAX_ITEMS = 1024;

/**
 * GAME-7: everything that the final proof says of a job, from the revealed integers alone. The answer does
 * not depend on the order of `job.encoders`. What encoders revealed is never a reason to refuse: a reveal of
 * the wrong shape makes its encoder `malformed`. The rules are in shared/docs/protocol/evaluation.md.
 *
 * Refusals, all the caller's own: EVALUATION_SEED, EVALUATION_DIMENSION, EVALUATION_ITEMS, EVALUATION_MASKS,
 * EVALUATION_NORM, EVALUATION_ENCODERS (none, or an id that is not 32 bytes or stands twice),
 * EVALUATION_LATENCY (an id that is not an encoder's or stands twice).
 */
export function evaluateJob(job: JobToEvaluate): Result<JobEvaluation> {
  const refusal = checkJob(job);
  if (refusal !== null) return refusal;
  const encoders = [...job.encoders].sort((a, b) => compareHex(a.id, b.id));
  const ids = encoders.map((encoder) => encoder.id);
  const standings = encoders.map((encoder) => standingOfReveal(encoder, job));
  const lots = ids.map((id) => tieLot(job.chainId, job.jobSeed, id));
  const context = { ids, lots, together: proxyGroups(encoders), bands: normBands(job.meanNormSquared) };

  const vectorsOf = (item: number): (ItemEmbeddings | null)[] =>
    encoders.map(({ reveal }, i) => (standings[i] === "qualified" ? reveal![item]! : null));
  const scores: ItemScores[] = [];
  for (let item = 0; item < job.masksOfItem.length; item++) {
    const scored = scoreItem(vectorsOf(item), context);
    if (!scored.ok) return scored;
    scores.push(scored.value);
  }

  const counted = scores.filter(isScored);
  const refusedItems = ids.map((_, i) => counted.filter((item) => item.verdicts[i] !== "qualified").length);
  for (const [i, refused] of refusedItems.entries()) {
    if (standings[i] === "qualified" && (counted.length === 0 || 2 * refused > counted.length)) {
      standings[i] = "disqualified";
    }
  }

  const means = ids.map((_, i) => meanScores(counted, i));
  const placeOf = new Map(job.latencyOrder.map((id, place) => [id, place]));
  const ranks = composite({
    loss: means.map((mean) => mean.loss),
    lof: means.map((mean) => mean.factor),
    latency: ids.map((id) => placeOf.get(id) ?? ids.length),
    last: standings.map((standing) => standing !== "qualified"),
    lots,
  });
  if (!ranks.ok) return ranks;

  const items: ItemEvaluation[] = [];
  for (const [at, item] of scores.entries()) {
    const finished = finishItem(item, vectorsOf(at), standings);
    if (!finished.ok) return finished;
    items.push(finished.value);
  }
  const r = ranks.value;
  return ok({
    chainId: job.chainId,
    jobSeed: job.jobSeed,
    dimension: job.dimension,
    encoders: ids.map((id, i) => ({
      id,
      standing: standings[i]!,
      lossPpb: means[i]!.loss,
      factorMicro: means[i]!.factor,
      ranks: { loss: r.loss[i]!, lof: r.lof[i]!, latency: r.latency[i]! },
      composite: r.composite[i]!,
      percentilePpm: r.percentilePpm[i]!,
      refusedItems: refusedItems[i]!,
    })),
    items,
    winner: r.winner === null ? null : ids[r.winner]!,
    excluded: ids.filter((_, i) => standings[i] !== "qualified"),
    finals: items.map((item) => item.final),
  });
}

function checkJob(job: JobToEvaluate): Result<never> | null {
  const { jobSeed, dimension, masksOfItem, meanNormSquared, encoders, latencyOrder } = job;
  if (jobSeed.length !== 32) return err("EVALUATION_SEED", `a seed of ${jobSeed.length} bytes`);
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
    return err("EVALUATION_DIMENSION", `dimension ${dimension}`);
  }
  if (masksOfItem.length < 1 || masksOfItem.length > MAX_ITEMS) {
    return err("EVALUATION_ITEMS", `${masksOfItem.length} items, not 1..${MAX_ITEMS}`);
  }
  if (!masksOfItem.every((masks) => Number.isInteger(masks) && masks >= 2 && masks <= MAX_MASKS)) {
    return err("EVALUATION_MASKS", `an item without 2..${MAX_MASKS} masks`);
  }
  const norm = typeof meanNormSquared === "bigint" ? { num: meanNormSquared, den: 1n } : meanNormSquared;
  if (norm.num <= 0n || norm.den <= 0n)
    return err("EVALUATION_NORM", "the anchors' mean norm is not positive");
  const ids = new Set(encoders.map((encoder) => encoder.id));
  if (encoders.length === 0 || ids.size !== encoders.length || !encoders.every(({ id }) => isHex(id, 32))) {
    return err("EVALUATION_ENCODERS", "encoders need distinct ids of 32 bytes");
  }
  if (new Set(latencyOrder).size !== latencyOrder.length || !latencyOrder.every((id) => ids.has(id))) {
    return err("EVALUATION_LATENCY", "the latency order names an unknown encoder or one twice");
  }
  return null;
}

/** The exact gates of DIFF-2 on counts and dimensions, over the whole reveal. */
function standingOfReveal({ reveal }: EvaluatedEncoder, { dimension, masksOfItem }: JobToEvaluate): Standing {
  if (reveal === null) return "silent";
  if (reveal.length !== masksOfItem.length) return "malformed";
  const whole = reveal.every(
    ({ full, masks, inverses }, item) =>
      masks.length === masksOfItem[item] &&
      inverses.length === masksOfItem[item] &&
      [full, ...masks, ...inverses].every((vector) => isVector(vector, dimension)),
  );
  return whole ? "qualified" : "malformed";
}

/** Ids of encoders that one party embedded for; an encoder that is itself the proxy belongs to its group. */
function proxyGroups(encoders: readonly EvaluatedEncoder[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const { id, proxy } of encoders) {
    const key = proxy ?? id;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [id]);
    else group.push(id);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function isScored(item: ItemScores): boolean {
  return item.verdicts.includes("qualified");
}

/** Weights and final vector of an item, once the standing of every encoder in the job is known (WEIGHT-1). */
function finishItem(
  item: ItemScores,
  vectors: readonly (ItemEmbeddings | null)[],
  standings: readonly Standing[],
): Result<ItemEvaluation> {
  const disqualified = new Set<number>();
  for (const [i, verdict] of item.verdicts.entries()) {
    if (verdict !== "qualified" || standings[i] !== "qualified") disqualified.add(i);
  }
  const shares = weights(item.lossesPpb, { disqualified, mergedGroups: item.groups });
  if (!shares.ok) return shares;
  const takers = vectors.flatMap((vector, i) =>
    vector === null || disqualified.has(i) ? [] : [{ full: vector.full, weight: shares.value[i]! }],
  );
  let final: Int16Array | null = null;
  if (takers.length > 0) {
    const average = weightedAverage(
      takers.map((taker) => taker.weight),
      takers.map((taker) => taker.full),
    );
    if (!average.ok) return average;
    final = average.value;
  }
  return ok({
    scored: isScored(item),
    verdicts: item.verdicts,
    lossesPpb: item.lossesPpb,
    factorsMicro: item.factorsMicro,
    weights: shares.value,
    final,
  });
}
