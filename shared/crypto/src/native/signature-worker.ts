import { parentPort } from "node:worker_threads";
import { invariant } from "@soma/base";
import { unpackItems, verifyItems } from "./signature-batch.ts";

const port = parentPort;
invariant(port !== null, "this module runs as a worker of SignaturePool");
port.on("message", (packed: Uint8Array<ArrayBuffer>) => {
  const decisions = verifyItems(unpackItems(packed));
  port.postMessage(decisions, [decisions.buffer]);
});
