import { ceilDiv, err, minBig, ok, type Result } from "@soma/base";
import type { Address, Amount, Parameters } from "@soma/protocol";
import { hold, holdBond, letGo, mayHold } from "./holdings.ts";
import { accountOf, credit, debit, recycle } from "./money.ts";
import { bondShares, bonds, changing, delegations, pools, type Role } from "./records.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/**
 * Shares of one pool at most (ADR 0023). A pool comes near it only when slashes left it less than a billionth of what
 * each share cost, again and again; it takes no more stake then.
 */
const MAX_SHARES = 1n << 100n;

const NO_POOL = { stake: 0n, shares: 0n, incoming: 0n };
const NO_DELEGATION = { shares: 0n, incoming: 0n, outgoingShares: 0n };

export function poolOf(store: KeyedStore, role: Role, operator: Address) {
  return pools.get(store, role, operator) ?? NO_POOL;
}

/**
 * ECON-6: anyone may stake in any address; it counts from the next epoch. Refusals: AMOUNT_ZERO, BALANCE_SHORT,
 * STAKE_DUST, STAKE_CROWDED.
 */
export function delegate(
  store: KeyedStore,
  parameters: Parameters,
  role: Role,
  operator: Address,
  owner: Address,
  amount: Amount,
): Result<true> {
  if (amount === 0n) return err("AMOUNT_ZERO", "nothing to stake");
  if (accountOf(store, owner).balance < amount) return err("BALANCE_SHORT", "the balance is too small");
  if (amount < parameters.minDelegation) {
    return err("STAKE_DUST", `at least ${parameters.minDelegation} base units are staked at once`);
  }
  if (!mayHold(store, role, operator, owner)) {
    return err("STAKE_CROWDED", "the account has stake with as many operators as it may");
  }
  hold(store, role, operator, owner);
  debit(store, owner, amount);
  const pool = poolOf(store, role, operator);
  pools.put(store, { ...pool, incoming: pool.incoming + amount }, role, operator);
  const own = delegations.get(store, role, operator, owner) ?? NO_DELEGATION;
  delegations.put(store, { ...own, incoming: own.incoming + amount }, role, operator, owner);
  changing.put(store, {}, role, operator, owner);
  return ok(true);
}

/**
 * ECON-6: what was staked in this epoch comes back at once; the rest leaves the pool at the next epoch and is
 * unbonding after. Refusals: AMOUNT_ZERO, STAKE_SHORT, STAKE_DUST (less than the least delegation would stay, and not
 * nothing).
 */
export function undelegate(
  store: KeyedStore,
  parameters: Parameters,
  role: Role,
  operator: Address,
  owner: Address,
  amount: Amount,
): Result<true> {
  if (amount === 0n) return err("AMOUNT_ZERO", "nothing to take back");
  const own = delegations.get(store, role, operator, owner);
  if (own === undefined) return err("STAKE_SHORT", "nothing is staked there");
  const pool = poolOf(store, role, operator);
  const back = minBig(amount, own.incoming);
  const rest = amount - back;
  const free = own.shares - own.outgoingShares;
  const wanted = sharesFor(pool, free, rest);
  if (wanted === null) return err("STAKE_SHORT", "not so much is staked there");
  const worth = pool.shares === 0n ? 0n : ((free - wanted) * pool.stake) / pool.shares;
  const left = worth + own.incoming - back;
  if (left > 0n && left < parameters.minDelegation) {
    return err("STAKE_DUST", `${left} base units would stay, less than the least delegation`);
  }
  // What is worth nothing leaves with the rest.
  const shares = left === 0n ? free : wanted;
  credit(store, owner, back);
  pools.put(store, { ...pool, incoming: pool.incoming - back }, role, operator);
  const next = {
    ...own,
    incoming: own.incoming - back,
    outgoingShares: own.outgoingShares + shares,
  };
  delegations.put(store, next, role, operator, owner);
  changing.put(store, {}, role, operator, owner);
  return ok(true);
}

/**
 * Which of an owner's `free` shares leave for `amount`: rounded up, so that no pool gives more than it has; null if it is
 * more than they are worth. Shares that a slash left worth nothing leave all, for nothing.
 */
function sharesFor(
  pool: { readonly stake: Amount; readonly shares: bigint },
  free: bigint,
  amount: Amount,
): bigint | null {
  if (amount === 0n) return 0n;
  if (free === 0n) return null;
  if (free * pool.stake < pool.shares) return free;
  const shares = ceilDiv(amount * pool.shares, pool.stake);
  return shares <= free ? shares : null;
}

/** Adds rewards to a pool: every share is worth more. Nobody's if the pool has no shares: it is recycled. */
export function rewardPool(store: KeyedStore, role: Role, operator: Address, amount: Amount): void {
  const pool = poolOf(store, role, operator);
  if (pool.shares === 0n) recycle(store, amount);
  else pools.put(store, { ...pool, stake: pool.stake + amount }, role, operator);
}

export interface StakeSlash {
  readonly role: Role;
  readonly operator: Address;
  readonly bps: number;
  /** Never more than this; null for no bound. */
  readonly cap: Amount | null;
  /** Epoch of the offence: stake that had left before it is not touched. */
  readonly epoch: bigint;
  /** Gets `evidenceShareBps` of it. */
  readonly bringer: Address | null;
}

/** ECON-6, ECON-8: takes from own and delegated stake pro rata, unbonding stake included. Returns what was taken. */
export function slashStake(store: KeyedStore, parameters: Parameters, slash: StakeSlash): Amount {
  const { role, operator } = slash;
  const open = openBonds(store, parameters, slash);
  const pool = poolOf(store, role, operator);
  let total = pool.stake;
  for (const bond of open) total += bond.value.stake;
  const full = (total * BigInt(slash.bps)) / 10_000n;
  const wanted = slash.cap === null ? full : minBig(full, slash.cap);
  if (wanted === 0n) return 0n;
  let taken = 0n;
  for (const { parts, value } of open) {
    const part = (wanted * value.stake) / total;
    bonds.put(store, { ...value, stake: value.stake - part }, ...parts);
    taken += part;
  }
  const part = minBig(pool.stake, wanted - taken);
  pools.put(store, { ...pool, stake: pool.stake - part }, role, operator);
  taken += part;
  const share = slash.bringer === null ? 0n : (taken * BigInt(parameters.evidenceShareBps)) / 10_000n;
  if (slash.bringer !== null) credit(store, slash.bringer, share);
  recycle(store, taken - share);
  return taken;
}

/** Recycles a part of the stake that counts, own and delegated alike; `partOf` gives at most what it is given. */
export function takeFromPool(
  store: KeyedStore,
  role: Role,
  operator: Address,
  partOf: (stake: Amount) => Amount,
): void {
  const pool = poolOf(store, role, operator);
  const part = partOf(pool.stake);
  if (part === 0n) return;
  pools.put(store, { ...pool, stake: pool.stake - part }, role, operator);
  recycle(store, part);
}

/** Unbonding stake of an operator that still counted in the epoch of the offence. */
function openBonds(store: KeyedStore, parameters: Parameters, { role, operator, epoch }: StakeSlash) {
  const out: { parts: string[]; value: { stake: Amount; shares: bigint } }[] = [];
  // A bond that is released at r left the pool at r - unbondingEpochs, so it counted before.
  const first = epoch + 1n + BigInt(parameters.unbondingEpochs);
  for (let release = first; release <= first + BigInt(2 * parameters.unbondingEpochs); release++) {
    const parts = [numberKey(release), role, operator];
    const value = bonds.get(store, ...parts);
    if (value !== undefined) out.push({ parts, value });
  }
  return out;
}

/** The epoch's change of stake: what leaves starts unbonding, then what joins counts. */
export function turnStake(store: KeyedStore, parameters: Parameters, nextEpoch: bigint): void {
  const release = nextEpoch + BigInt(parameters.unbondingEpochs);
  for (const { parts } of changing.rows(store)) {
    const [role, operator, owner] = parts as [Role, Address, Address];
    changing.delete(store, role, operator, owner);
    leave(store, release, role, operator, owner);
    join(store, role, operator, owner);
    const own = delegations.get(store, role, operator, owner);
    if (own !== undefined && own.shares === 0n && own.incoming === 0n) {
      delegations.delete(store, role, operator, owner);
      letGo(store, null, role, operator, owner);
    }
    const pool = poolOf(store, role, operator);
    if (pool.shares === 0n && pool.incoming === 0n && pool.stake === 0n) pools.delete(store, role, operator);
  }
}

function leave(store: KeyedStore, release: bigint, role: Role, operator: Address, owner: Address): void {
  const own = delegations.get(store, role, operator, owner);
  if (own === undefined || own.outgoingShares === 0n) return;
  const pool = poolOf(store, role, operator);
  const leaves = pool.shares === own.outgoingShares;
  const amount = leaves ? pool.stake : (own.outgoingShares * pool.stake) / pool.shares;
  pools.put(
    store,
    { ...pool, stake: pool.stake - amount, shares: pool.shares - own.outgoingShares },
    role,
    operator,
  );
  delegations.put(
    store,
    { ...own, shares: own.shares - own.outgoingShares, outgoingShares: 0n },
    role,
    operator,
    owner,
  );
  if (amount === 0n) return;
  const key = [numberKey(release), role, operator];
  const bond = bonds.get(store, ...key) ?? { stake: 0n, shares: 0n };
  bonds.put(store, { stake: bond.stake + amount, shares: bond.shares + amount }, ...key);
  bondShares.put(store, { shares: amount }, ...key, owner);
  holdBond(store, release, role, operator, owner);
}

function join(store: KeyedStore, role: Role, operator: Address, owner: Address): void {
  const own = delegations.get(store, role, operator, owner);
  if (own === undefined || own.incoming === 0n) return;
  const pool = poolOf(store, role, operator);
  const shares =
    pool.shares === 0n ? own.incoming : pool.stake === 0n ? 0n : (own.incoming * pool.shares) / pool.stake;
  if (shares === 0n || pool.shares + shares > MAX_SHARES) {
    // Too little for one share of this pool, or a pool that was slashed to next to nothing: it goes back.
    credit(store, owner, own.incoming);
    pools.put(store, { ...pool, incoming: pool.incoming - own.incoming }, role, operator);
    delegations.put(store, { ...own, incoming: 0n }, role, operator, owner);
    return;
  }
  pools.put(
    store,
    {
      stake: pool.stake + own.incoming,
      shares: pool.shares + shares,
      incoming: pool.incoming - own.incoming,
    },
    role,
    operator,
  );
  delegations.put(store, { ...own, shares: own.shares + shares, incoming: 0n }, role, operator, owner);
}

/** Pays out what has unbonded by `epoch`; rounding dust is recycled. */
export function releaseBonds(store: KeyedStore, epoch: bigint): void {
  const last = numberKey(epoch);
  for (const { parts, value } of bondShares.rows(store)) {
    const [release, role, operator, owner] = parts as [string, Role, Address, Address];
    if (release > last) continue;
    const bond = bonds.get(store, release, role, operator);
    if (bond !== undefined) {
      const amount = (value.shares * bond.stake) / bond.shares;
      bonds.put(
        store,
        { stake: bond.stake - amount, shares: bond.shares - value.shares },
        release,
        role,
        operator,
      );
      credit(store, owner, amount);
      if (bond.shares === value.shares) {
        recycle(store, bond.stake - amount);
        bonds.delete(store, release, role, operator);
      }
    }
    bondShares.delete(store, release, role, operator, owner);
    letGo(store, BigInt(`0x${release}`), role, operator, owner);
  }
}
