#!/usr/bin/env node
// Runs the command on the Node that the checkout pins, whatever Node started this file.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(import.meta.url);
const root = join(dirname(here), "../../..");
const pinned = join(root, "node_modules/node/bin/node");

if (!existsSync(pinned) || realpathSync(process.execPath) === realpathSync(pinned)) {
  // Compiled code outlives the process: it halves the time to start.
  module.enableCompileCache(join(root, ".cache/compile"));
  const { programFile } = await import("./program.mjs");
  await import(pathToFileURL(await programFile(root)).href);
} else {
  const child = spawn(pinned, [here, ...process.argv.slice(2)], { stdio: "inherit" });
  // Ctrl-C reaches the command too, since it is of the same group; it says when it has ended.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("exit", (status, signal) => process.exit(signal === null ? status : 130));
}
