import { Worker } from "node:worker_threads";
import { type Result, SomaError } from "@soma/base";
import { EvaluationRequested } from "@soma/contracts";
import { firstMessage } from "@soma/runtime";
import type { Evaluated, EvaluationRequest } from "../core/evaluate-request.ts";
import type { ThreadRequest, ThreadTested } from "./evaluate-thread.ts";

/** Evaluations in worker threads, so that minutes of arithmetic never hold back a message. */
export class Evaluator {
  /** Settles when a thread ended by itself. */
  readonly failed: Promise<SomaError>;
  readonly #workers: readonly Worker[];
  readonly #idle: Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  readonly #failure = Promise.withResolvers<SomaError>();
  #isClosed = false;

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
    this.#idle = [...workers];
    this.failed = this.#failure.promise;
    for (const worker of workers) {
      const stop = (cause: unknown) => {
        if (this.#isClosed) return;
        this.#failure.resolve(new SomaError("SCORER_THREAD", "an evaluation thread ended", {}, { cause }));
      };
      worker.on("error", stop);
      worker.on("exit", stop);
    }
  }

  /** @throws SomaError SCORER_THREAD when a thread does not start, SCORER_SELF_TEST when it evaluates otherwise than all */
  static async open(threads: number): Promise<Evaluator> {
    const url = new URL("./evaluate-thread.ts", import.meta.url);
    const workers = Array.from({ length: threads }, () => new Worker(url, { name: "evaluation" }));
    try {
      await Promise.all(workers.map(tested));
      return new Evaluator(workers);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
  }

  /** Refuses as `evaluateRequest` does. @throws SomaError SCORER_THREAD when the thread ended over it */
  async evaluate(request: EvaluationRequest, blobs: readonly Uint8Array[]): Promise<Result<Evaluated>> {
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    const message: ThreadRequest = { request: EvaluationRequested.encode(request), blobs };
    const answer = new Promise<Result<Evaluated>>((resolve) => worker.once("message", resolve));
    worker.postMessage(message);
    const outcome = await Promise.race([answer, this.failed]);
    if (outcome instanceof SomaError) throw outcome;
    const next = this.#waiting.shift();
    if (next !== undefined) next(worker);
    else this.#idle.push(worker);
    return outcome;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

async function tested(worker: Worker): Promise<void> {
  const outcome = await firstMessage<ThreadTested>(worker).catch((cause: unknown) => {
    throw new SomaError("SCORER_THREAD", "an evaluation thread did not start", {}, { cause });
  });
  if (!outcome.ok) throw new SomaError(outcome.code, outcome.message);
}
