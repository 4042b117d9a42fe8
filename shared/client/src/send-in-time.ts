import { SomaError } from "@soma/base";
import type { Parameters } from "@soma/protocol";
import type { JobFacts } from "./job-facts.ts";
import { isLedgerRefusal } from "./submit.ts";
import type { Waiting } from "./waiting.ts";

/** Milliseconds for the ledger to prove what became of a job whose transaction it refused. */
const END_WITHIN_MS = 300_000;

export interface JobClock {
  readonly facts: Pick<JobFacts, "head" | "closed">;
  readonly waiting: Waiting;
  readonly parameters: Pick<Parameters, "selectTimeout" | "revealTimeout" | "proofTimeout">;
}

/**
 * Sends what has a deadline on the ledger. A refusal means that it came too late, or that the ledger has it
 * already: then what is proven counts, and the end of the job says more than the refusal.
 * @returns whether the ledger took it
 * @param isOver whether waiting is pointless: the ledger has what was sent, or something in its place
 * @throws SomaError with the refusal's code, if the ledger proves no end within its own deadlines (GAME-9)
 */
export async function sendInTime(
  { facts, waiting, parameters }: JobClock,
  what: { readonly name: "selection" | "bundle"; readonly send: () => Promise<void> },
  isOver: () => boolean,
): Promise<boolean> {
  const { selectTimeout, revealTimeout, proofTimeout } = parameters;
  const last = facts.head + BigInt(selectTimeout + revealTimeout + proofTimeout);
  try {
    await what.send();
    return true;
  } catch (error) {
    if (!isLedgerRefusal(error)) throw error;
    const isProven = () => facts.closed !== undefined || isOver();
    await waiting.until(() => isProven() || facts.head > last, END_WITHIN_MS);
    if (isProven()) return false;
    throw new SomaError(
      error.code,
      `the ledger refused the ${what.name}, and does not prove how the job ended; run the same command again to go on`,
    );
  }
}
