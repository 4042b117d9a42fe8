import type { LedgerEventInput } from "@soma/protocol";
import type { Telemetry } from "@soma/telemetry";
import type { ExecutedCommit } from "../core/index.ts";

export function stateMetrics(telemetry: Telemetry) {
  const { metrics } = telemetry;
  return {
    commit: metrics.gauge("state.commit", { unit: "{commit}", doc: "Index of the last executed commit." }),
    epoch: metrics.gauge("state.epoch", { unit: "{epoch}", doc: "The ledger's epoch." }),
    transactions: metrics.counter("state.transactions", {
      unit: "{transaction}",
      doc: "Transactions of commits: executed, or the code of their refusal.",
    }),
    slashes: metrics.counter("state.slashes", {
      unit: "{slash}",
      doc: "Operators slashed, by cause: equivocation, checkpoint-fork, or what an encoder owed its job (GAME).",
    }),
    jobsClosed: metrics.counter("state.jobs.closed", {
      unit: "{job}",
      doc: "Jobs that ended, by outcome; Voided after two selections, BadData after opt-outs.",
    }),
    execution: metrics.histogram("state.commit.execution", {
      unit: "s",
      doc: "Executing one commit, with what comes between its slices.",
    }),
    write: metrics.histogram("state.write", {
      unit: "s",
      doc: "Writing the commits of one database transaction.",
    }),
    waiting: metrics.gauge("state.commits.waiting", {
      unit: "{commit}",
      doc: "Commits that wait for execution.",
    }),
    commitsRefused: metrics.counter("state.commits.refused", {
      unit: "{part}",
      doc: "Parts of commits that were not taken, by code.",
    }),
    checkpoint: metrics.gauge("state.checkpoint", {
      unit: "{checkpoint}",
      doc: "Sequence number of the last checkpoint, by whether it is built or certified.",
    }),
    halted: metrics.gauge("state.halted", {
      unit: "1",
      doc: "1 while the ledger is halted: it cannot be executed or settled by its rules (DESIGN section 4).",
    }),
    overrides: metrics.counter("state.overrides", {
      unit: "{override}",
      doc: "Overrides that came, by source and by what became of them: applied, kept, known, or their refusal.",
    }),
    certification: metrics.histogram("state.checkpoint.certification", {
      unit: "s",
      doc: "From building a checkpoint to its certificate.",
    }),
    signatures: metrics.counter("state.checkpoint.signatures", {
      unit: "{signature}",
      doc: "Checkpoint signatures of others, by whether they were taken or the code of their refusal.",
    }),
  };
}
export type StateMetrics = ReturnType<typeof stateMetrics>;

/** Counts a commit's transactions, once an outcome. */
export function countTransactions(metrics: StateMetrics, { transactions, dropped }: ExecutedCommit): void {
  const counts = new Map<string, number>();
  const count = (outcome: string) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  for (const { refusal } of transactions) count(refusal || "executed");
  for (const { code } of dropped) count(code);
  for (const [outcome, times] of counts) metrics.transactions.add(times, { outcome });
}

/** Counts what a commit did to operators and jobs. */
export function countEvents(metrics: StateMetrics, events: readonly LedgerEventInput[]): void {
  for (const event of events) {
    if ("Slashed" in event) metrics.slashes.add(1, { cause: event.Slashed.cause });
    if (!("JobClosed" in event)) continue;
    const outcome = Object.keys(event.JobClosed.outcome).find((key) => key !== "$kind");
    metrics.jobsClosed.add(1, { outcome: outcome ?? "unknown" });
  }
}
