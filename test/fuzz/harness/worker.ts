// Tries the inputs of targets in a thread of its own, which may hang or run out of memory without harm.
import { parentPort, workerData } from "node:worker_threads";
import { type Fault, fuzzTarget } from "./fuzz-target.ts";
import { InputSlot } from "./input-slot.ts";
import type { FuzzTarget } from "./target.ts";

export interface WorkerOptions {
  /** URL of a module that exports `TARGETS`. */
  readonly targets: string;
  readonly slot: SharedArrayBuffer;
}

export interface WorkerQuestion {
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  readonly fixtures: readonly Uint8Array[];
}

export type WorkerAnswer = { readonly fault: Fault | undefined } | { readonly broken: string };

const { targets, slot } = workerData as WorkerOptions;
const { TARGETS } = (await import(targets)) as { TARGETS: readonly FuzzTarget[] };
const input = new InputSlot(slot);

parentPort!.on("message", async (question: WorkerQuestion) => {
  const answer = (value: WorkerAnswer) => parentPort!.postMessage(value);
  try {
    const target = TARGETS.find(({ name }) => name === question.target);
    if (target === undefined) throw new Error(`no target ${question.target}`);
    answer({ fault: await fuzzTarget(target, { ...question, onInput: (bytes) => input.put(bytes) }) });
  } catch (error) {
    answer({ broken: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
