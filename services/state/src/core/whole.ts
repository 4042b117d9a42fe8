import { err, type Result } from "@soma/base";
import type { Ledger } from "./ledger.ts";

/**
 * Runs one change of the ledger wholly or not at all (DESIGN section 4): what it refuses or throws leaves the ledger as it
 * was, so that a validator that halts keeps what it has and can be asked. What is thrown is refused as LEDGER_FAULT.
 */
export function wholly<T>(ledger: Ledger, change: () => Result<T>): Result<T> {
  let done: Result<T>;
  try {
    done = change();
  } catch (error) {
    const message = error instanceof Error ? error.message : "an unknown fault";
    done = err("LEDGER_FAULT", `the execution failed: ${message}`);
  }
  if (!done.ok) ledger.store.revert();
  return done;
}
