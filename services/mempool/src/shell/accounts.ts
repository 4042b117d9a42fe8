import { ok, type Result } from "@soma/base";
import { GetAccount } from "@soma/contracts";
import type { Address } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { AccountFacts } from "../core/index.ts";

interface Known {
  readonly answer: Promise<Result<AccountFacts>>;
  readonly atMs: number;
}

/** Answers older than this are asked again: others may have paid the account meanwhile. */
const FRESH_MS = 1_000;
const MAX_KNOWN = 20_000;

/** What the ledger says of senders. One question at a time for each, and none while the answer is fresh. */
export class Accounts {
  readonly #bus: Bus;
  readonly #known = new Map<Address, Known>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Refusals: those of a request to state. */
  facts(address: Address): Promise<Result<AccountFacts>> {
    const known = this.#known.get(address);
    if (known !== undefined && performance.now() - known.atMs < FRESH_MS) return known.answer;
    return this.fresh(address);
  }

  /** As `facts`, but asks in any case. */
  async fresh(address: Address): Promise<Result<AccountFacts>> {
    const answer = this.#ask(address);
    this.#known.delete(address);
    this.#known.set(address, { answer, atMs: performance.now() });
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    const facts = await answer;
    if (!facts.ok) this.#known.delete(address);
    return facts;
  }

  /** A commit changed it. */
  changed(address: Address): void {
    this.#known.delete(address);
  }

  async #ask(address: Address): Promise<Result<AccountFacts>> {
    const answer = await this.#bus.request(GetAccount, {}, { address });
    if (!answer.ok) return answer;
    const { exists, balance, sequence } = answer.value;
    return ok(exists ? { balance, sequence } : undefined);
  }
}
