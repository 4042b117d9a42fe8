import { parentPort, Worker } from "node:worker_threads";
import { SomaError } from "@soma/base";

interface Asked<Request> {
  readonly id: number;
  readonly request: Request;
}

type Answered<Answer> = { readonly id: number } & ({ readonly value: Answer } | { readonly error: string });

/** A worker thread that answers questions one after the other. It starts with the first, or with `begin`. */
export class Thread<Request, Answer> {
  /** Settles when the thread ended by itself. */
  readonly failed: Promise<SomaError>;
  readonly #url: URL;
  readonly #failure = Promise.withResolvers<SomaError>();
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #worker: Worker | undefined;
  #asked = 0;
  #isClosed = false;

  /** Runs the module at `url`, which calls `answerQuestions`. */
  constructor(url: URL) {
    this.failed = this.#failure.promise;
    this.#url = url;
  }

  /** Questions that are not answered yet. */
  get load(): number {
    return this.#waiting.size;
  }

  /** Loads the thread's code now: whoever asks first need not wait for it. */
  begin(): void {
    this.#worker ??= this.#start();
  }

  /** @throws SomaError POOL_THREAD when the thread failed over it */
  ask(request: Request): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(new SomaError("POOL_THREAD", "the pool is closed"));
    const id = this.#asked++;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    const asked: Asked<Request> = { id, request };
    this.begin();
    this.#worker!.postMessage(asked);
    return waiting.promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#url);
    const stop = (cause: unknown) => {
      const failure = new SomaError("POOL_THREAD", "a thread of the pool ended", {}, { cause });
      for (const { reject } of this.#waiting.values()) reject(failure);
      this.#waiting.clear();
      if (!this.#isClosed) this.#failure.resolve(failure);
    };
    worker.on("error", stop);
    worker.on("exit", stop);
    worker.on("message", (answered: Answered<Answer>) => {
      const waiting = this.#waiting.get(answered.id);
      this.#waiting.delete(answered.id);
      if ("error" in answered) waiting?.reject(new SomaError("POOL_THREAD", answered.error));
      else waiting?.resolve(answered.value);
    });
    return worker;
  }
}

/** The other side: answers each question in turn. What `answer` throws is the answer to that question alone. */
export function answerQuestions<Request, Answer>(
  answer: (request: Request) => Answer | Promise<Answer>,
): void {
  const port = parentPort!;
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, request }: Asked<Request>) => {
    last = last.then(async () => {
      try {
        port.postMessage({ id, value: await answer(request) });
      } catch (error) {
        port.postMessage({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      }
    });
  });
}
