import { parentPort } from "node:worker_threads";
import { type DrawTask, simulate } from "./core/simulate.ts";

const port = parentPort!;
port.on("message", (task: DrawTask) => port.postMessage(simulate(task)));
