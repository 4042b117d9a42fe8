import { type Finding, seconds } from "./findings.ts";
import type { Survey } from "./survey.ts";

export interface Verdict {
  readonly healthy: boolean;
  /** A plain sentence. */
  readonly sentence: string;
}

/** Whether a person may leave the network alone. Notes do not count. */
export function verdictOf(survey: Survey, findings: readonly Finding[]): Verdict {
  const answering = survey.gateways.filter(({ health }) => health.ok);
  if (answering.length === 0) {
    return {
      healthy: false,
      sentence: "Not healthy: no gateway answers, so nothing is known of the network.",
    };
  }
  const faults = findings.filter(({ severity }) => severity !== "note");
  if (faults.length > 0) {
    const more = faults.length === 1 ? "" : `, and ${faults.length - 1} more`;
    return { healthy: false, sentence: `Not healthy: ${faults[0]!.text}${more}.` };
  }
  const ages = answering.flatMap(({ consensus }) => (consensus.ok ? [consensus.value.lastCommitAgeMs] : []));
  const who = answering.length === 1 ? "the gateway answers" : `${answering.length} gateways agree`;
  const age = seconds(Math.min(...ages));
  return {
    healthy: true,
    sentence: `Healthy: ${who} at checkpoint ${survey.sequence}, the last commit is ${age} s old.`,
  };
}
