import { invariant } from "@soma/base";
import type { Address, Amount } from "@soma/protocol";
import { accounts, type Head, heads } from "./records.ts";
import type { KeyedStore } from "./store.ts";

const NOTHING = { balance: 0n, sequence: 0n };

export function accountOf(store: KeyedStore, address: Address): { balance: Amount; sequence: bigint } {
  return accounts.get(store, address) ?? NOTHING;
}

export function credit(store: KeyedStore, address: Address, amount: Amount): void {
  if (amount === 0n) return;
  const account = accountOf(store, address);
  accounts.put(store, { ...account, balance: account.balance + amount }, address);
}

/** The caller has checked that the balance covers it. */
export function debit(store: KeyedStore, address: Address, amount: Amount): void {
  const account = accountOf(store, address);
  invariant(account.balance >= amount, "a debit was not checked");
  accounts.put(store, { ...account, balance: account.balance - amount }, address);
}

export function headOf(store: KeyedStore): Head {
  const head = heads.get(store, "now");
  invariant(head !== undefined, "a ledger has a head");
  return head;
}

export function changeHead(store: KeyedStore, change: Partial<Head>): void {
  heads.put(store, { ...headOf(store), ...change }, "now");
}

/** To the recyclable pool, to be emitted anew (ECON-3): base fees and parts of job fees. */
export function burn(store: KeyedStore, amount: Amount, isBaseFee: boolean): void {
  const head = headOf(store);
  changeHead(store, {
    recyclable: head.recyclable + amount,
    burned: head.burned + amount,
    feesBurned: isBaseFee ? head.feesBurned + amount : head.feesBurned,
  });
}

/** To the recyclable pool without counting as burned: slashes and dust. */
export function recycle(store: KeyedStore, amount: Amount): void {
  changeHead(store, { recyclable: headOf(store).recyclable + amount });
}
