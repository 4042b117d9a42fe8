#!/usr/bin/env node
// Runs the command on the Node that the checkout pins, whatever Node started this file.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const pinned = join(root, "node_modules/node/bin/node");
const node = existsSync(pinned) ? pinned : process.execPath;
const child = spawn(node, [join(root, "services/cli/src/main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
});
// Ctrl-C reaches the command too, since it is of the same group; it says when it has ended.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.once("exit", (status, signal) => process.exit(signal === null ? status : 130));
