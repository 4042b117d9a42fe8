import { maxBig, ok, type Result } from "@soma/base";
import { differentialLoss, type ItemEmbeddings, MAX_LOSS_PPB } from "./differential-loss.ts";
import type { ItemVerdict } from "./evaluation.ts";
import { greater, lesser } from "./extremes.ts";
import { OUTLIER_LIMIT_MICRO, outliers } from "./outlier.ts";
import type { NormBands } from "./space-gates.ts";

/** Bounds what one item can add to an encoder's mean factor: 10. */
const MAX_FACTOR_MICRO = 10_000_000;

export interface ItemScores {
  readonly verdicts: ItemVerdict[];
  readonly lossesPpb: bigint[];
  readonly factorsMicro: number[];
  /** Positions merged into one point. */
  readonly groups: number[][];
}

export interface ItemContext {
  /** Ids and lots by position; `together` as in `outliers`. */
  readonly ids: readonly string[];
  readonly lots: readonly string[];
  readonly together: readonly (readonly string[])[];
  readonly bands: NormBands;
}

/**
 * The losses, gates and factors of one item (DIFF, SPACE-2, OUTLIER-1). `vectors[i]` is null for an encoder
 * that is silent or malformed, and counts with loss 2*10^9. Outlier factors are taken among those that pass the
 * gates. Who fails one counts with its own loss or the worst of those that pass, whichever is greater, and with the
 * greatest factor of the item, at least 1.5; factors are cut at 10. So failing never pays, and one item at the edge of
 * a band does not decide a whole job (ADR 0012).
 */
export function scoreItem(
  vectors: readonly (ItemEmbeddings | null)[],
  context: ItemContext,
): Result<ItemScores> {
  const { ids, lots, together, bands } = context;
  const verdicts = vectors.map((): ItemVerdict => "absent");
  const lossesPpb = vectors.map(() => MAX_LOSS_PPB);
  const inside: number[] = [];
  for (const [i, item] of vectors.entries()) {
    if (item === null) continue;
    const loss = differentialLoss(item.full, item.masks, item.inverses, bands);
    if (!loss.ok) return loss;
    const { gates, ppb } = loss.value;
    lossesPpb[i] = ppb;
    if (gates.norms !== true) verdicts[i] = "norms";
    else if (!gates.dispersion) verdicts[i] = "dispersion";
    else {
      verdicts[i] = "qualified";
      inside.push(i);
    }
  }
  const worst = inside.reduce((most, i) => maxBig(most, lossesPpb[i]!), 0n);
  for (const [i, verdict] of verdicts.entries()) {
    if (verdict === "norms" || verdict === "dispersion") lossesPpb[i] = maxBig(lossesPpb[i]!, worst);
  }
  const factorsMicro = vectors.map(() => MAX_FACTOR_MICRO);
  if (inside.length === 0) return ok({ verdicts, lossesPpb, factorsMicro, groups: [] });

  const report = outliers(
    inside.map((i) => concatenate(vectors[i]!)),
    inside.map((i) => ids[i]!),
    { together, lots: inside.map((i) => lots[i]!) },
  );
  if (!report.ok) return report;
  let greatest = OUTLIER_LIMIT_MICRO;
  for (const [at, micro] of report.value.micro.entries()) {
    const cut = lesser(micro, MAX_FACTOR_MICRO);
    factorsMicro[inside[at]!] = cut;
    greatest = greater(greatest, cut);
    if (report.value.disqualified[at]) verdicts[inside[at]!] = "outlier";
  }
  for (const [i, verdict] of verdicts.entries()) {
    if (verdict === "absent" || verdict === "norms" || verdict === "dispersion") factorsMicro[i] = greatest;
  }
  const groups = report.value.groups.map((group) => group.map((at) => inside[at]!));
  return ok({ verdicts, lossesPpb, factorsMicro, groups });
}

/** The means over the scored items, floor, of what `scoreItem` gave encoder `i`; the worst if there are none. */
export function meanScores(items: readonly ItemScores[], i: number): { loss: bigint; factor: number } {
  const n = items.length;
  if (n === 0) return { loss: MAX_LOSS_PPB, factor: MAX_FACTOR_MICRO };
  let loss = 0n;
  let factor = 0;
  for (const item of items) {
    loss += item.lossesPpb[i]!;
    factor += item.factorsMicro[i]!;
  }
  return { loss: loss / BigInt(n), factor: (factor - (factor % n)) / n };
}

/** [f, a_1, b_1, a_2, b_2, ...] (OUTLIER-1). */
function concatenate({ full, masks, inverses }: ItemEmbeddings): Int16Array {
  const d = full.length;
  const out = new Int16Array(d * (1 + 2 * masks.length));
  out.set(full, 0);
  masks.forEach((mask, k) => {
    out.set(mask, d * (1 + 2 * k));
    out.set(inverses[k]!, d * (2 + 2 * k));
  });
  return out;
}
