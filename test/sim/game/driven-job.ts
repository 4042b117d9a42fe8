import type { Parameters, TransactionKindInput } from "@soma/protocol";
import { expect } from "vitest";
import { JobDriver } from "./job-driver.ts";
import { TestChain } from "./test-chain.ts";

export function drawn(parameters: Partial<Parameters> = {}): JobDriver {
  const chain = new TestChain({ epochLength: 1_000_000n, ...parameters });
  const driver = new JobDriver(chain, chain.people[0]!);
  driver.pay();
  return driver;
}

export function selected(): JobDriver {
  const driver = drawn();
  driver.must(
    driver.chain.send(driver.payer, driver.selection(driver.holders().map((h) => driver.commitOf(h)))),
  );
  return driver;
}

export function bundled(parameters: Partial<Parameters> = {}): JobDriver {
  const driver = drawn(parameters);
  driver.bundleEverybody();
  return driver;
}

/** Sends as the payer; the refusal's code. */
export const send = (driver: JobDriver, kind: TransactionKindInput) => driver.chain.send(driver.payer, kind);

/** Commits until the job's record is gone; the slashes on the way, as "cause operator". */
export function finish(driver: JobDriver): string[] {
  const slashes: string[] = [];
  const { selectTimeout, shardAttempts, revealTimeout, proofTimeout } = driver.chain.ledger.parameters;
  // More than all deadlines of GAME-9 together.
  const most = 2 * (selectTimeout * shardAttempts + revealTimeout + proofTimeout);
  for (let i = 0; i < most && driver.chain.ledger.job(driver.id) !== undefined; i++) {
    for (const event of driver.chain.commit().events) {
      if ("Slashed" in event) slashes.push(`${event.Slashed.cause} ${event.Slashed.operator}`);
    }
  }
  expect(driver.chain.ledger.job(driver.id)).toBeUndefined();
  return slashes;
}
