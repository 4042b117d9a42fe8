import { parentPort } from "node:worker_threads";
import type { Result } from "@soma/base";
import { EvaluationRequested } from "@soma/contracts";
import { evaluateRequest } from "../core/evaluate-request.ts";
import { selfTest, selfTestJob } from "../core/self-test.ts";

/** Bytes cross between threads, so that the main thread does not spend the job's time on cloning structures. */
export interface ThreadRequest {
  /** Payload of `EvaluationRequested`. */
  readonly request: Uint8Array;
  readonly blobs: readonly Uint8Array[];
}

/** The first message of a thread: how its self-test ended. */
export type ThreadTested = Result<true>;

/** So often that V8 has compiled what the first job will run: cold, an evaluation takes twice as long. */
const SELF_TESTS = 4;

const port = parentPort!;
port.on("message", ({ request, blobs }: ThreadRequest) => {
  const decoded = EvaluationRequested.decode(request);
  port.postMessage(decoded.ok ? evaluateRequest(decoded.value, blobs) : decoded);
});
const job = selfTestJob();
let tested: ThreadTested = selfTest(job);
for (let i = 1; i < SELF_TESTS && tested.ok; i++) tested = selfTest(job);
port.postMessage(tested);
