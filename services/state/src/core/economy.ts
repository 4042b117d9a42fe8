import { maxBig, minBig } from "@soma/base";
import type { Parameters } from "@soma/protocol";

const DAY_MS = 86_400_000n;

/**
 * ECON-2: the next epoch's base fee. `burned` is what base fees burned in this epoch; the target is the epoch's part
 * of the yearly share of `circulating`. More use means a lower fee.
 */
export function nextBaseFee(
  parameters: Parameters,
  fee: bigint,
  burned: bigint,
  circulating: bigint,
): bigint {
  const perYear = 10_000n * 365n * DAY_MS;
  const target = (circulating * BigInt(parameters.burnTargetBps) * parameters.epochLength) / perYear;
  const want = burned === 0n ? parameters.feeMax : (fee * target) / burned;
  const step = maxBig(1n, fee / 8n);
  const stepped = minBig(maxBig(want, fee - step), fee + step);
  return minBig(maxBig(stepped, parameters.feeMin), parameters.feeMax);
}

/** ECON-4: `asked` (0: nobody asks) capped at twice and half of the price before; a first price is free. */
export function nextPrice(before: bigint, asked: bigint): bigint {
  if (asked === 0n) return before;
  if (before === 0n) return asked;
  return minBig(maxBig(asked, maxBig(1n, before / 2n)), 2n * before);
}
