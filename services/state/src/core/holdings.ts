import { compareHex } from "@soma/base";
import type { Address, Amount } from "@soma/protocol";
import { bondShares, bonds, delegations, type Holding, holdings, pools, type Role } from "./records.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** Operators, by role, that one account may hold stake with, stake that unbonds included (ADR 0023). */
export const MAX_HOLDINGS = 64;

/** One account's stake with one operator, in base units of now. */
export interface StakeView {
  readonly role: Role;
  readonly operator: Address;
  readonly active: Amount;
  readonly pending: Amount;
  readonly unbonding: Amount;
}

const roleOf = ({ isEncoder }: Holding): Role => (isEncoder ? "encoder" : "validator");

/** Whether the account may stake with the operator: it does already, or has room for another. */
export function mayHold(store: KeyedStore, role: Role, operator: Address, owner: Address): boolean {
  const held = holdings.get(store, owner) ?? [];
  return held.length < MAX_HOLDINGS || held.some((one) => roleOf(one) === role && one.operator === operator);
}

/** Notes a delegation that exists now. */
export function hold(store: KeyedStore, role: Role, operator: Address, owner: Address): void {
  change(store, role, operator, owner, (holding) => holding);
}

/** Notes stake that unbonds until `release`. */
export function holdBond(
  store: KeyedStore,
  release: bigint,
  role: Role,
  operator: Address,
  owner: Address,
): void {
  change(store, role, operator, owner, (holding) => ({
    ...holding,
    releases: [...holding.releases, release],
  }));
}

/** Notes that the delegation, or what unbonded until `release`, may be gone. */
export function letGo(
  store: KeyedStore,
  release: bigint | null,
  role: Role,
  operator: Address,
  owner: Address,
): void {
  change(store, role, operator, owner, (holding) => {
    const releases = holding.releases.filter((one) => one !== release);
    const isHeld = releases.length > 0 || delegations.get(store, role, operator, owner) !== undefined;
    return isHeld ? { ...holding, releases } : null;
  });
}

function change(
  store: KeyedStore,
  role: Role,
  operator: Address,
  owner: Address,
  by: (holding: Holding) => Holding | null,
): void {
  const held = holdings.get(store, owner) ?? [];
  const isIt = (one: Holding) => roleOf(one) === role && one.operator === operator;
  const before = held.find(isIt) ?? { isEncoder: role === "encoder", operator, releases: [] };
  const after = by(before);
  const next = [...held.filter((one) => !isIt(one)), ...(after === null ? [] : [after])];
  next.sort((a, b) =>
    a.isEncoder === b.isEncoder ? compareHex(a.operator, b.operator) : a.isEncoder ? -1 : 1,
  );
  if (next.length === 0) holdings.delete(store, owner);
  else holdings.put(store, next, owner);
}

/** What an account has staked, ascending by role and operator: read by its holdings, whatever others have staked. */
export function stakesOf(store: KeyedStore, owner: Address): StakeView[] {
  return (holdings.get(store, owner) ?? []).map((holding) => {
    const { operator, releases } = holding;
    const role = roleOf(holding);
    const own = delegations.get(store, role, operator, owner);
    const pool = pools.get(store, role, operator);
    const active =
      own === undefined || pool === undefined || pool.shares === 0n
        ? 0n
        : (own.shares * pool.stake) / pool.shares;
    let unbonding = 0n;
    for (const release of releases) {
      const key = [numberKey(release), role, operator];
      const bond = bonds.get(store, ...key);
      const part = bondShares.get(store, ...key, owner);
      if (bond !== undefined && part !== undefined) unbonding += (part.shares * bond.stake) / bond.shares;
    }
    return { role, operator, active, pending: own?.incoming ?? 0n, unbonding };
  });
}
