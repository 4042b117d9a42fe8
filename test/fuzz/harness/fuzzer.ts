import { Worker } from "node:worker_threads";
import type { Fault } from "./fuzz-target.ts";
import { InputSlot } from "./input-slot.ts";
import type { WorkerAnswer, WorkerOptions, WorkerQuestion } from "./worker.ts";

/** Heap of the thread: far more than any input of a few megabytes may take, far less than a hostile one would. */
const HEAP_MEGABYTES = 512;
/** CPU time after which one input counts as a hang, milliseconds. */
const HANG_MS = 10_000;
const LOOK_EVERY_MS = 500;

/** Fuzzes targets in a thread; one that hangs or runs out of memory ends, and the next target gets a new one. */
export class Fuzzer {
  readonly #targets: URL;
  readonly #hangMs: number;
  #worker: { readonly thread: Worker; readonly slot: InputSlot } | undefined;

  /** @param targets a module that exports `TARGETS` */
  constructor(targets: URL, hangMs = HANG_MS) {
    this.#targets = targets;
    this.#hangMs = hangMs;
  }

  /** The first fault, and how many inputs were tried. @throws if the target itself cannot be run */
  async run(question: WorkerQuestion): Promise<{ fault: Fault | undefined; inputs: number }> {
    this.#worker ??= this.#open();
    const { thread, slot } = this.#worker;
    const before = slot.count;
    const fault = await this.#ask(thread, slot, question);
    return { fault, inputs: slot.count - before };
  }

  async close(): Promise<void> {
    await this.#worker?.thread.terminate();
    this.#worker = undefined;
  }

  #open() {
    const shared = InputSlot.shared();
    const workerData: WorkerOptions = { targets: this.#targets.href, slot: shared };
    const thread = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    });
    return { thread, slot: new InputSlot(shared) };
  }

  #ask(thread: Worker, slot: InputSlot, question: WorkerQuestion): Promise<Fault | undefined> {
    return new Promise((resolve, reject) => {
      const looking = this.#look(thread, slot, () => end("it hangs"));
      const settle = () => {
        clearInterval(looking);
        thread.off("message", onMessage).off("error", onError).off("exit", onExit);
      };
      const end = (reason: string) => {
        settle();
        const bytes = slot.bytes;
        void this.close().then(() => resolve({ reason, bytes }));
      };
      const onMessage = (answer: WorkerAnswer) => {
        settle();
        if ("broken" in answer) reject(new Error(answer.broken));
        else resolve(answer.fault);
      };
      const onError = (error: Error & { code?: string }) => {
        if (error.code === "ERR_WORKER_OUT_OF_MEMORY") return end(`it takes more than ${HEAP_MEGABYTES} MB`);
        end(`outside of any call: ${error.stack ?? error.message}`);
      };
      const onExit = (code: number) => end(`the thread ended with ${code}`);
      thread.on("message", onMessage).on("error", onError).on("exit", onExit);
      thread.postMessage(question);
    });
  }

  /** Calls `onHang` when one input has had its CPU time; what others do on the machine does not count. */
  #look(thread: Worker, slot: InputSlot, onHang: () => void): NodeJS.Timeout {
    let at = slot.count;
    let usedBefore = 0;
    return setInterval(() => {
      thread.cpuUsage().then(
        ({ user, system }) => {
          const usedMs = (user + system) / 1000;
          if (slot.count !== at) {
            at = slot.count;
            usedBefore = usedMs;
          } else if (usedMs - usedBefore > this.#hangMs) onHang();
        },
        // The thread has just ended; its exit is told elsewhere.
        () => {},
      );
    }, LOOK_EVERY_MS);
  }
}
