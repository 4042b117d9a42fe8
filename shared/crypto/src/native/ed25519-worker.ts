import { parentPort } from "node:worker_threads";
import { invariant } from "@soma/base";
import { verifyPacked } from "./ed25519-batch.ts";

const port = parentPort;
invariant(port !== null, "this module runs as a worker of Ed25519Pool");
port.on("message", (packed: Uint8Array<ArrayBuffer>) => {
  const decisions = verifyPacked(packed);
  port.postMessage(decisions, [decisions.buffer]);
});
