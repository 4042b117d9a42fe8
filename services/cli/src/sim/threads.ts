import { Worker } from "node:worker_threads";
import { SomaError } from "@soma/base";

/**
 * Asks worker threads of the module at `url`, which answers each message with one, and returns the answers in the tasks'
 * order, whichever came first. @throws SomaError SIM_THREAD when a thread fails over a task
 */
export async function askThreads<Task, Answer>(
  url: URL,
  tasks: readonly Task[],
  options: { readonly threads: number; readonly onAnswer?: (answered: number) => void },
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  let answered = 0;
  const serve = async (worker: Worker): Promise<void> => {
    while (next < tasks.length) {
      const at = next++;
      answers[at] = await answerOf<Answer>(worker, tasks[at]);
      options.onAnswer?.(++answered);
    }
  };
  const count = Math.min(options.threads, tasks.length);
  const workers = Array.from({ length: count }, () => new Worker(url));
  try {
    await Promise.all(workers.map(serve));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return answers;
}

function answerOf<Answer>(worker: Worker, task: unknown): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const failed = (cause: unknown) =>
    reject(new SomaError("SIM_THREAD", "a thread of the simulation ended", {}, { cause }));
  const settle = (answer: Answer) => {
    worker.off("error", failed).off("exit", failed);
    resolve(answer);
  };
  worker.once("message", settle).once("error", failed).once("exit", failed);
  worker.postMessage(task);
  return promise;
}
