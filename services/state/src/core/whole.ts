import { err, type Result, type Sliced } from "@soma/base";
import type { Ledger } from "./ledger.ts";

/**
 * Runs one change of the ledger wholly or not at all (DESIGN section 4): what it refuses or throws leaves the ledger as it
 * was, so that a validator that halts keeps what it has and can be asked. What is thrown is refused as LEDGER_FAULT. Nothing
 * else may change the ledger meanwhile, and the change must be run to its end.
 */
export function* wholly<T>(ledger: Ledger, change: () => Sliced<Result<T>>): Sliced<Result<T>> {
  let done: Result<T>;
  try {
    done = yield* change();
  } catch (error) {
    const message = error instanceof Error ? error.message : "an unknown fault";
    done = err("LEDGER_FAULT", `the execution failed: ${message}`);
  }
  if (!done.ok) ledger.store.revert();
  return done;
}
