import { type Result, SomaError } from "@soma/base";
import { askThreads } from "../threads.ts";
import type { SecurityQuestion, Study } from "./core/question.ts";
import { reportOf, type SecurityReport, tasksOf } from "./core/report.ts";
import type { DrawTask, Tally } from "./core/simulate.ts";

export interface StudyOptions {
  readonly threads: number;
  /** Told of the share of the draws that are made, 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Makes the studies, with the draws on worker threads. The report follows from question and studies alone.
 * @throws SomaError SHARD_NO_SIZE, SIM_ROSTER_EMPTY, SIM_RATE_INVALID, or SIM_THREAD when a thread ended
 */
export async function makeStudies(
  question: SecurityQuestion,
  studies: readonly Study[],
  { threads, onProgress = () => {} }: StudyOptions,
): Promise<SecurityReport> {
  const tasks = orThrow(tasksOf(question, studies));
  const url = new URL("./draw-thread.ts", import.meta.url);
  const tallies = await askThreads<DrawTask, Tally>(url, tasks, {
    threads,
    onAnswer: (answered) => onProgress(answered / tasks.length),
  });
  return orThrow(reportOf(question, studies, tasks, tallies));
}

function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new SomaError(result.code, result.message);
  return result.value;
}
