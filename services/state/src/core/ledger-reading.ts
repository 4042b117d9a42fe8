import { invariant } from "@soma/base";
import type { Address, Amount, EpochInfo, JobId } from "@soma/protocol";
import type { Job } from "./game/job.ts";
import { type StakeView, stakesOf } from "./holdings.ts";
import { accountOf, headOf } from "./money.ts";
import {
  accounts,
  encoders,
  epochs,
  type Head,
  jobs,
  parameterRows,
  pools,
  type Role,
  validators,
} from "./records.ts";
import { type SlashStanding, slashStandings } from "./slash-votes.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** What can be read of a ledger's entries: of all of them, or of those that a question needs (`entries-of.ts`). */
export class LedgerReading {
  readonly store: KeyedStore;

  constructor(store: KeyedStore) {
    this.store = store;
  }

  get head(): Head {
    return headOf(this.store);
  }

  /** Facts of an epoch that is kept: the current one, and those that jobs and evidence need. */
  epoch(number: bigint = this.head.epoch): EpochInfo | undefined {
    return epochs.get(this.store, numberKey(number));
  }

  get currentEpoch(): EpochInfo {
    const info = this.epoch();
    invariant(info !== undefined, "the current epoch is kept");
    return info;
  }

  /** Undefined for an address that never held anything. */
  account(address: Address): { balance: Amount; sequence: bigint } | undefined {
    return accounts.get(this.store, address);
  }

  balanceOf(address: Address): Amount {
    return accountOf(this.store, address).balance;
  }

  job(id: JobId): Job | undefined {
    return jobs.get(this.store, id);
  }

  jobs(): Job[] {
    return jobs.rows(this.store).map(({ value }) => value);
  }

  stakesOf(owner: Address): StakeView[] {
    return stakesOf(this.store, owner);
  }

  /** Registered operators with the stake that counts; `active` in the current epoch. */
  operators(role: Role): { id: Address; stake: Amount; active: boolean }[] {
    const { committee, roster } = this.currentEpoch;
    const now = new Set(
      role === "validator"
        ? committee.map((member) => member.validator)
        : roster.map((entry) => entry.encoder),
    );
    const rows = role === "validator" ? validators.rows(this.store) : encoders.rows(this.store);
    return rows.map(({ parts }) => ({
      id: parts[0]!,
      stake: pools.get(this.store, role, parts[0]!)?.stake ?? 0n,
      active: now.has(parts[0]!),
    }));
  }

  /** ECON-7: validators that votes stand on, with the stake of the current committee that votes. */
  slashStandings(): ReadonlyMap<Address, SlashStanding> {
    return slashStandings(this.store);
  }

  /** The governance parameters in force, by name. */
  parameterValues(): (readonly [name: string, value: string])[] {
    const rows = parameterRows.get(this.store, "all");
    invariant(rows !== undefined, "a ledger has parameters");
    return rows;
  }
}
