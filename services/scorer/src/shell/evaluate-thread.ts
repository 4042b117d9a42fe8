import { parentPort } from "node:worker_threads";
import { EvaluationRequested } from "@soma/contracts";
import { evaluateRequest } from "../core/evaluate-request.ts";

/** Bytes cross between threads, so that the main thread does not spend the job's time on cloning structures. */
export interface ThreadRequest {
  /** Payload of `EvaluationRequested`. */
  readonly request: Uint8Array;
  readonly blobs: readonly Uint8Array[];
}

const port = parentPort!;
port.on("message", ({ request, blobs }: ThreadRequest) => {
  const decoded = EvaluationRequested.decode(request);
  port.postMessage(decoded.ok ? evaluateRequest(decoded.value, blobs) : decoded);
});
