import type { LightClient } from "@soma/protocol";
import type { JobFacts } from "./job-facts.ts";
import { askEach, transactionOf } from "./sequence-number.ts";
import type { SignedSubmission } from "./submit.ts";

export interface PaymentFacts {
  readonly gateways: readonly string[];
  readonly facts: Pick<JobFacts, "paid" | "usedBy">;
  readonly light: Pick<LightClient, "epoch">;
}

/**
 * Whether a job's payment was not executed and never will be, so that another may be signed: a job must not be paid
 * twice, whatever gateways say. Either the light client proved that another transaction has its sequence number,
 * which the ledger gives but once (LEDGER-1). Or its last epoch is over, as the hand-over proves, no checkpoint
 * since it was signed showed it, and more than half of the gateways are past that epoch without knowing it, and
 * none knows it: all of them would have to hide one that was executed, for the sake of a refund's fee.
 */
export async function canNeverExecute(
  { gateways, facts, light }: PaymentFacts,
  payment: SignedSubmission,
): Promise<boolean> {
  const { sequence, expiryEpoch } = transactionOf(payment);
  const user = facts.usedBy(sequence);
  if (user !== undefined) return user !== payment.digest;
  if (light.epoch.epoch <= expiryEpoch) return false;
  const answers = await askEach(gateways, async (client) => {
    const { epoch } = await client.head();
    const { status } = await client.transaction(payment.digest);
    return { isPast: epoch > expiryEpoch, isKnown: status !== "unknown" };
  });
  if (facts.paid !== undefined || answers.some(({ isKnown }) => isKnown)) return false;
  return 2 * answers.filter(({ isPast }) => isPast).length > gateways.length;
}
