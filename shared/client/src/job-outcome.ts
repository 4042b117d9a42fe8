import { assertNever, SomaError } from "@soma/base";
import type { JobOutcome } from "@soma/protocol";
import type { ClosedJob } from "./job-facts.ts";
import { formatAmount } from "./tokens.ts";

/** What to do about most ends of a job. */
const BEGIN_ANOTHER = "Run the same command again to begin a new job with the same items.";

/** Why the ledger closes a job with a refund (GAME-9), in words. */
const REFUND_CAUSES: Readonly<Record<string, string>> = {
  "attempts-exhausted": "no shard's quorum committed and was selected in time",
  "reveals-short": "too few of the selected encoders revealed in time",
  "vectors-unavailable": "an encoder's vectors could not be had",
  "no-evaluation": "no majority of the encoders evaluated in time",
};

/** A proven end without a receipt, as SomaError JOB_NOT_SETTLED; `details.outcome` is the ledger's word for it. */
export function notSettled({ outcome }: Pick<ClosedJob, "outcome">): SomaError {
  return new SomaError(
    "JOB_NOT_SETTLED",
    `the job ended without a receipt (${outcome.$kind}): ${explain(outcome)}`,
    { outcome: outcome.$kind },
  );
}

function explain(outcome: JobOutcome): string {
  switch (outcome.$kind) {
    case "Settled":
      return `the network settled it without this client, and what is needed for a receipt is not on the ledger. ${BEGIN_ANOTHER}`;
    case "AllDisqualified": {
      const { refunded } = outcome.AllDisqualified;
      return `every encoder was disqualified; ${formatAmount(refunded)} tokens came back. ${BEGIN_ANOTHER}`;
    }
    case "Shared": {
      const { paid, refunded } = outcome.Shared;
      return `this client selected nothing in time, so ${formatAmount(paid)} tokens went to the encoders that had committed and ${formatAmount(refunded)} came back. ${BEGIN_ANOTHER}`;
    }
    case "Refunded": {
      const { refunded, cause } = outcome.Refunded;
      return `${REFUND_CAUSES[cause] ?? cause}; ${formatAmount(refunded)} tokens came back. ${BEGIN_ANOTHER}`;
    }
    case "Voided":
      return `two different selections were signed for it, so ${formatAmount(outcome.Voided.forfeited)} tokens are forfeited. Never run one job from two copies of its journal. ${BEGIN_ANOTHER}`;
    case "BadData": {
      const { paid, refunded } = outcome.BadData;
      return `its encoders refused the data: not to be had, or not as it was paid for. ${formatAmount(paid)} tokens were spent and ${formatAmount(refunded)} came back. Check the items, then run the command again.`;
    }
    default:
      return assertNever(outcome);
  }
}
