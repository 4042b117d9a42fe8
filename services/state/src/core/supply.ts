import type { Sliced } from "@soma/base";
import { accounts, bonds, heads, jobs, pools } from "./records.ts";
import type { ChangeWithPast } from "./store.ts";

/** LEDGER-4, in base units. Their sum is the cap after every commit. */
export interface Supply {
  readonly liquid: bigint;
  readonly staked: bigint;
  /** Reward pools that circulate; none exist yet. */
  readonly pools: bigint;
  readonly escrowed: bigint;
  readonly recyclable: bigint;
  readonly unminted: bigint;
}

export const NO_SUPPLY: Supply = {
  liquid: 0n,
  staked: 0n,
  pools: 0n,
  escrowed: 0n,
  recyclable: 0n,
  unminted: 0n,
};

export function supplyTotal(supply: Supply): bigint {
  return supply.liquid + supply.staked + supply.pools + supply.escrowed + supply.recyclable + supply.unminted;
}

/** ECON-2's circulating supply: what people hold or have staked. */
export function circulating(supply: Supply): bigint {
  return supply.liquid + supply.staked + supply.pools;
}

/** What one stored record holds, by class: the only reading of money that the assertion trusts. */
function holdings(key: string, value: Uint8Array | null): Partial<Supply> {
  if (value === null) return {};
  switch (key.slice(0, key.indexOf("/"))) {
    case accounts.name:
      return { liquid: accounts.decode(value).balance };
    case pools.name: {
      const pool = pools.decode(value);
      return { staked: pool.stake + pool.incoming };
    }
    case bonds.name:
      return { staked: bonds.decode(value).stake };
    case jobs.name:
      return { escrowed: jobs.decode(value).escrow };
    case heads.name: {
      const head = heads.decode(value);
      return { recyclable: head.recyclable, unminted: head.unminted };
    }
    default:
      return {};
  }
}

/** The supply after changes, counted from the records themselves (ADR 0006). */
export function* supplyAfter(before: Supply, changes: readonly ChangeWithPast[]): Sliced<Supply> {
  const sum: Record<keyof Supply, bigint> = { ...before };
  for (const { key, value, past } of changes) {
    for (const [held, sign] of [
      [holdings(key, past), -1n],
      [holdings(key, value), 1n],
    ] as const) {
      for (const [name, amount] of Object.entries(held)) sum[name as keyof Supply] += sign * amount;
    }
    yield;
  }
  return sum;
}
