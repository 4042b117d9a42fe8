import type { Address, JobId } from "@soma/protocol";
import {
  accounts,
  bondShares,
  bonds,
  delegations,
  encoders,
  epochs,
  heads,
  holdings,
  jobs,
  parameterRows,
  pools,
  slashVotes,
  validators,
} from "./records.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** Which entries a question reads, where they are stored elsewhere. */
export interface EntryNames {
  readonly keys: readonly string[];
  /** Tables that are read whole. */
  readonly tables?: readonly string[];
}

/** Every reading stands on the head. */
export const HEAD_ENTRY = heads.key("now");

/** For `account` and, together with `stakeEntries`, `stakesOf`. */
export function accountEntries(address: Address): EntryNames {
  return { keys: [accounts.key(address), holdings.key(address)] };
}

/** For `account` of each. */
export function balanceEntries(addresses: readonly Address[]): EntryNames {
  return { keys: addresses.map((address) => accounts.key(address)) };
}

/** What an account holds by its holdings, which are in the store. */
export function stakeEntries(store: KeyedStore, owner: Address): EntryNames {
  const keys = (holdings.get(store, owner) ?? []).flatMap(({ isEncoder, operator, releases }) => {
    const role = isEncoder ? "encoder" : "validator";
    return [
      delegations.key(role, operator, owner),
      pools.key(role, operator),
      ...releases.flatMap((release) => {
        const bond = [numberKey(release), role, operator];
        return [bonds.key(...bond), bondShares.key(...bond, owner)];
      }),
    ];
  });
  return { keys };
}

export function jobEntry(job: JobId): EntryNames {
  return { keys: [jobs.key(job)] };
}

export function epochEntry(epoch: bigint): EntryNames {
  return { keys: [epochs.key(numberKey(epoch))] };
}

/** For `operators`, `listValidators` and `listEncoders`. */
export function operatorEntries(epoch: bigint): EntryNames {
  return { ...epochEntry(epoch), tables: [validators.name, encoders.name, pools.name, slashVotes.name] };
}

export function parameterEntries(): EntryNames {
  return { keys: [parameterRows.key("all")] };
}
