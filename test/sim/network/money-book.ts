import type { TransactionKind } from "@soma/protocol";
import type { Ledger } from "@soma/state/core";
import { short } from "../consensus/observer.ts";

/** Liquid balances and the recyclable pool as they must be: every movement is written down here a second time. */
export class MoneyBook {
  readonly #balances = new Map<string, bigint>();
  readonly #incoming = new Map<string, bigint>();
  #recyclable = 0n;
  #feesBurned = 0n;

  /** Takes the ledger's word, at the start and after a settlement. */
  read(ledger: Ledger): void {
    for (const [key] of ledger.entries()) {
      if (!key.startsWith("account/")) continue;
      const address = key.slice("account/".length);
      this.#balances.set(address, ledger.balanceOf(address));
    }
    this.#incoming.clear();
    this.#recyclable = ledger.head.recyclable;
    this.#feesBurned = ledger.head.feesBurned;
  }

  pay(to: string, amount: bigint): void {
    this.#balances.set(to, (this.#balances.get(to) ?? 0n) + amount);
  }

  recycle(amount: bigint): void {
    this.#recyclable += amount;
  }

  /** LEDGER-1, ECON-2: the base fee is burned, the tip is the author's. */
  fee(sender: string, author: string, baseFee: bigint, tip: bigint): void {
    this.pay(sender, -baseFee - tip);
    this.pay(author, tip);
    this.recycle(baseFee);
    this.#feesBurned += baseFee;
  }

  /** What an executed transaction moves beside jobs. */
  moved(sender: string, kind: TransactionKind): void {
    if (kind.$kind === "Transfer") {
      this.pay(sender, -kind.Transfer.amount);
      this.pay(kind.Transfer.to, kind.Transfer.amount);
    } else if (kind.$kind === "Delegate") {
      const { role, operator, amount } = kind.Delegate;
      const key = `${role.$kind} ${operator} ${sender}`;
      this.#incoming.set(key, (this.#incoming.get(key) ?? 0n) + amount);
      this.pay(sender, -amount);
    } else if (kind.$kind === "Undelegate") {
      const { role, operator, amount } = kind.Undelegate;
      const key = `${role.$kind} ${operator} ${sender}`;
      const incoming = this.#incoming.get(key) ?? 0n;
      const back = amount < incoming ? amount : incoming;
      this.#incoming.set(key, incoming - back);
      this.pay(sender, back);
    }
  }

  /** What is not as it must be. */
  check(ledger: Ledger): string | null {
    for (const [address, expected] of this.#balances) {
      const actual = ledger.balanceOf(address);
      if (actual !== expected) return `${short(address)} has ${actual}, not ${expected}`;
    }
    const { recyclable, feesBurned } = ledger.head;
    if (recyclable !== this.#recyclable) return `${recyclable} can be recycled, not ${this.#recyclable}`;
    if (feesBurned !== this.#feesBurned) return `${feesBurned} of fees are burned, not ${this.#feesBurned}`;
    return null;
  }
}
