export const JOB_STAGES = [
  "prepared",
  "paid",
  "drawn",
  "received",
  "committed",
  "selected",
  "revealed",
  "bundled",
  "closed",
] as const;
export type JobStage = (typeof JOB_STAGES)[number];

export interface JobProgress {
  readonly stage: JobStage;
  /** One line for a person. */
  readonly text: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

/** Tells the submitter how far its job is. */
export type Say = (stage: JobStage, text: string, detail: JobProgress["detail"]) => void;

/** Runs a stage as a span of the job's trace. */
export type Stage = <T>(name: string, run: () => Promise<T>) => Promise<T>;
