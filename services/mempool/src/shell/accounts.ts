import { ok, type Result } from "@soma/base";
import { GetBalances, MAX_BALANCES } from "@soma/contracts";
import type { Address } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { AccountFacts } from "../core/index.ts";

interface Known {
  readonly facts: AccountFacts;
  readonly atMs: number;
}

/** Answers older than this are asked again: others may have paid the account meanwhile. */
const FRESH_MS = 1_000;
const MAX_KNOWN = 20_000;

/** What the ledger says of senders: of all that a batch is about in one question, and of none while it is fresh. */
export class Accounts {
  readonly #bus: Bus;
  readonly #known = new Map<Address, Known>();
  /** Counts commits that changed something: an answer that was asked for before one is not kept. */
  #commits = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Refusals: those of a request to state. */
  async facts(addresses: Iterable<Address>): Promise<Result<Map<Address, AccountFacts>>> {
    const found = new Map<Address, AccountFacts>();
    const unknown: Address[] = [];
    const now = performance.now();
    for (const address of new Set(addresses)) {
      const known = this.#known.get(address);
      if (known !== undefined && now - known.atMs < FRESH_MS) found.set(address, known.facts);
      else unknown.push(address);
    }
    const fresh = await this.fresh(unknown);
    if (!fresh.ok) return fresh;
    for (const [address, facts] of fresh.value) found.set(address, facts);
    return ok(found);
  }

  /** As `facts`, but asks in any case. */
  async fresh(addresses: Iterable<Address>): Promise<Result<Map<Address, AccountFacts>>> {
    const all = [...new Set(addresses)];
    const found = new Map<Address, AccountFacts>();
    for (let at = 0; at < all.length; at += MAX_BALANCES) {
      const asked = all.slice(at, at + MAX_BALANCES);
      const commits = this.#commits;
      const answer = await this.#bus.request(GetBalances, {}, asked);
      if (!answer.ok) return answer;
      for (const [i, address] of asked.entries()) {
        const facts = answer.value[i] ?? undefined;
        found.set(address, facts);
        if (commits === this.#commits) this.#keep(address, facts);
      }
    }
    return ok(found);
  }

  /** A commit changed them. */
  changed(addresses: Iterable<Address>): void {
    this.#commits += 1;
    for (const address of addresses) this.#known.delete(address);
  }

  #keep(address: Address, facts: AccountFacts): void {
    this.#known.delete(address);
    this.#known.set(address, { facts, atMs: performance.now() });
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
  }
}
