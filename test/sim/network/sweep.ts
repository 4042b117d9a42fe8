import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SweepAnswer, SweepTask } from "./sweep-worker.ts";

/** Threads for a sweep: as many as there are cores. */
export const THREADS = Math.max(1, availableParallelism());

/**
 * Runs tasks on worker threads and returns the answers in the tasks' order, whichever ended first: a run shares nothing
 * with another. `next` is asked for one task after another; null ends the sweep.
 */
export async function sweep(
  next: () => SweepTask | null,
  options: { readonly threads?: number; readonly onAnswer: (answer: SweepAnswer, task: SweepTask) => void },
): Promise<void> {
  const serve = async (worker: Worker): Promise<void> => {
    for (let task = next(); task !== null; task = next()) {
      const answered = Promise.withResolvers<SweepAnswer>();
      worker.once("message", answered.resolve);
      worker.once("error", answered.reject);
      worker.postMessage(task);
      options.onAnswer(await answered.promise, task);
      worker.removeAllListeners("error");
    }
  };
  const workers = Array.from(
    { length: options.threads ?? THREADS },
    () => new Worker(new URL("./sweep-worker.ts", import.meta.url)),
  );
  try {
    await Promise.all(workers.map(serve));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** One task for each seed, in order. */
export function seedTasks(seeds: readonly number[]): () => SweepTask | null {
  let at = 0;
  return () => (at < seeds.length ? { options: { seed: seeds[at++]! } } : null);
}
