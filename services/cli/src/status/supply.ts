import type { Head } from "./survey.ts";

/** Everything that there is, minted or not: the cap, at every commit (ECON-1). */
export function totalSupply({ supply }: Head): bigint {
  return Object.values(supply).reduce((sum, part) => sum + part, 0n);
}
