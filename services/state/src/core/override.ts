import { err, ok, type Result } from "@soma/base";
import { type Digest, type Override, overrideDigest, stageOf } from "@soma/protocol";
import type { Ledger } from "./ledger.ts";
import { overriddenTransactions, TABLES } from "./records.ts";
import { LOCAL_PREFIX } from "./store.ts";

/** Where a ledger stands that cannot go on by its rules: what an override must name. */
export interface HaltPoint {
  readonly epoch: bigint;
  /** The commit that cannot be executed or settled, with its digest. */
  readonly commit: bigint;
  readonly commitDigest: Digest;
  readonly stateDigest: Digest;
  readonly stage: "execution" | "settlement";
}

/** Whether an override is for this very point. Refuses with OVERRIDE_POINT, naming what differs. */
export function overrideFits(point: HaltPoint, override: Override): Result<true> {
  const differs =
    override.epoch !== point.epoch
      ? "epoch"
      : override.commit !== point.commit
        ? "commit"
        : override.commitDigest !== point.commitDigest
          ? "commit digest"
          : stageOf(override) !== point.stage
            ? "stage"
            : override.stateDigest !== point.stateDigest
              ? "state digest"
              : null;
  return differs === null ? ok(true) : err("OVERRIDE_POINT", `the override is for another ${differs}`);
}

/**
 * Sets the entries of an override. Refuses with OVERRIDE_ENTRY what is no entry of the ledger, what is local, and keys
 * that are not ascending. Call within `wholly`.
 */
export function setEntries(ledger: Ledger, { resolution }: Override): Result<true> {
  const entries = resolution.Execute?.entries ?? resolution.Settle?.entries ?? [];
  let last = "";
  for (const { key, value } of entries) {
    if (key <= last) return err("OVERRIDE_ENTRY", "entries are not ascending by key");
    last = key;
    const table = TABLES.find(({ name }) => key.startsWith(`${name}/`));
    if (table === undefined || key.startsWith(LOCAL_PREFIX)) {
      return err("OVERRIDE_ENTRY", `${key} is no entry that may be set`);
    }
    if (value === null) {
      ledger.store.delete(key);
      continue;
    }
    if (!decodes(table, value)) return err("OVERRIDE_ENTRY", `the value of ${key} does not decode`);
    ledger.store.set(key, value);
  }
  return ok(true);
}

function decodes(table: (typeof TABLES)[number], value: Uint8Array): boolean {
  try {
    table.decode(value);
    return true;
  } catch {
    return false;
  }
}

/** Bars these transactions for good: a sender could have them carried again. */
export function barTransactions(ledger: Ledger, digests: readonly Digest[], commit: bigint): void {
  for (const digest of digests) overriddenTransactions.put(ledger.store, commit, digest);
}

/** The leaf by which a checkpoint says that the rules alone did not lead here. */
export function overrideLeaf(chainId: string, override: Override) {
  return { Override: { commit: override.commit, override: overrideDigest(chainId, override) } };
}
