import type { JobId } from "@soma/protocol";
import { due } from "./records.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/**
 * What one commit gathers of jobs: how many were paid, and when jobs asked to be looked at. The latter is written once at
 * its end: a list that many jobs of a commit share would else be written anew for each.
 */
export class Agenda {
  readonly #wakes = new Map<bigint, JobId[]>();
  /** Jobs paid in this commit. */
  paid = 0;

  wake(commit: bigint, job: JobId): void {
    const jobs = this.#wakes.get(commit);
    if (jobs === undefined) this.#wakes.set(commit, [job]);
    else jobs.push(job);
  }

  /** Writes down what was asked since the last call. */
  keep(store: KeyedStore): void {
    for (const [commit, jobs] of this.#wakes) {
      const key = numberKey(commit);
      due.put(store, [...(due.get(store, key) ?? []), ...jobs], key);
    }
    this.#wakes.clear();
  }
}
