import { invariant, ok, type Result } from "@soma/base";
import { shardsOf } from "./events.ts";
import {
  type BudgetRow,
  budgetsStudy,
  type CaptureRow,
  captureStudy,
  type PoissonRow,
  poissonStudy,
  type SizeRow,
  sizesStudy,
} from "./exact-studies.ts";
import type { SecurityQuestion, Study } from "./question.ts";
import { type DrawCase, type DrawTask, merge, type Tally } from "./simulate.ts";
import {
  type DrawRow,
  drawCases,
  drawsStudy,
  type StallRow,
  stallCases,
  stallsStudy,
} from "./simulated-studies.ts";

/** The studies that were asked for. */
export interface SecurityReport {
  readonly question: SecurityQuestion;
  readonly sizes?: readonly SizeRow[];
  readonly budgets?: readonly BudgetRow[];
  readonly capture?: readonly CaptureRow[];
  readonly draws?: readonly DrawRow[];
  readonly stalls?: readonly StallRow[];
  readonly poisson?: readonly PoissonRow[];
}

/** A case is cut into tasks by the number of draws alone, so that sums of sums do not depend on the threads. */
const JOBS_PER_TASK = 250;
const MAX_TASKS_PER_CASE = 200;

/** What is to be drawn, in order. Refuses as `shardSeats` and `rosterOf` do. */
export function tasksOf(question: SecurityQuestion, studies: readonly Study[]): Result<DrawTask[]> {
  const shards = shardsOf(question.dishonest, question.budget);
  if (!shards.ok) return shards;
  const cases: DrawCase[] = [];
  if (studies.includes("draws")) {
    const found = drawCases(question, shards.value);
    if (!found.ok) return found;
    cases.push(...found.value);
  }
  if (studies.includes("stalls")) cases.push(...stallCases(shards.value));
  const tasks: DrawTask[] = [];
  const most = Math.max(JOBS_PER_TASK, Math.ceil(question.draws / MAX_TASKS_PER_CASE));
  for (const draw of cases) {
    for (let from = 0; from < question.draws; from += most) {
      const count = Math.min(most, question.draws - from);
      tasks.push({ seed: question.seed, draw, from, count });
    }
  }
  return ok(tasks);
}

/**
 * The report, from the tallies of `tasksOf`'s tasks in their order. Refuses as `tasksOf`, `shardSize` and
 * `poissonStudy` do.
 */
export function reportOf(
  question: SecurityQuestion,
  studies: readonly Study[],
  tasks: readonly DrawTask[],
  tallies: readonly Tally[],
): Result<SecurityReport> {
  const shards = shardsOf(question.dishonest, question.budget);
  if (!shards.ok) return shards;
  const parts = Map.groupBy(tallies.keys(), (i) => tasks[i]!.draw.name);
  const tallyOf = ({ name }: DrawCase) => {
    const indices = parts.get(name);
    invariant(indices !== undefined, "every case of a study was drawn");
    return merge(indices.map((i) => tallies[i]!));
  };
  const computed: Record<Study, () => Result<unknown>> = {
    sizes: () => sizesStudy(question),
    budgets: () => budgetsStudy(question),
    capture: () => ok(captureStudy(shards.value)),
    draws: () => drawsStudy(question, shards.value, tallyOf),
    stalls: () => ok(stallsStudy(shards.value, tallyOf)),
    poisson: () => poissonStudy(question, shards.value),
  };
  const found: Partial<Record<Study, unknown>> = {};
  for (const study of studies) {
    const rows = computed[study]();
    if (!rows.ok) return rows;
    found[study] = rows.value;
  }
  return ok({ question, ...found } as SecurityReport);
}
