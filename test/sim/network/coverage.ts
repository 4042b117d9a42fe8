import { noCoverage, type SimCoverage } from "../consensus/observer.ts";

const OWN = {
  checkpoints: 0,
  haltsOfExecution: 0,
  haltsOfSettlement: 0,
  overridesApplied: 0,
  overridesRefused: 0,
  badShares: 0,
  forgedUpdates: 0,
  validatorsJoined: 0,
  validatorsLeft: 0,
  validatorsBanned: 0,
  stakeChanges: 0,
  evidence: 0,
  slanders: 0,
  replayedTransactions: 0,
  expiredTransactions: 0,
  forgedTransactions: 0,
  droppedTransactions: 0,
  refusedTransactions: 0,
  encoderCrashes: 0,
  jobsPaid: 0,
  jobsSettledByProof: 0,
  jobsSettledByMajority: 0,
  jobsShared: 0,
  jobsExhausted: 0,
  jobsShortOfReveals: 0,
  jobsWithoutEvaluation: 0,
  jobsWithVectorsUnavailable: 0,
  jobsVoided: 0,
  jobsOfBadData: 0,
  jobsAllDisqualified: 0,
  furtherAttempts: 0,
  fallbackSets: 0,
  postedCommits: 0,
  postedReveals: 0,
  optOuts: 0,
  hastySelections: 0,
  hastyProofs: 0,
  slashesUnselected: 0,
  slashesReveal: 0,
  slashesOptOutCommit: 0,
  slashesNoSignature: 0,
  slashesEquivocation: 0,
};

/** What a run of the whole network met, summed over its actors. */
export type NetworkCoverage = SimCoverage & typeof OWN;

export function noNetworkCoverage(): NetworkCoverage {
  return { ...noCoverage(), ...OWN };
}

export function addCoverage(into: NetworkCoverage, from: NetworkCoverage): void {
  for (const name of Object.keys(into) as (keyof NetworkCoverage)[]) into[name] += from[name];
}
