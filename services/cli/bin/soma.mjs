#!/usr/bin/env node
// Runs the command on the Node that the checkout pins, whatever Node started this file.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const pinned = join(root, "node_modules/node/bin/node");
const node = existsSync(pinned) ? pinned : process.execPath;
const { status, signal } = spawnSync(
  node,
  [join(root, "services/cli/src/main.ts"), ...process.argv.slice(2)],
  {
    stdio: "inherit",
  },
);
process.exit(signal === null ? (status ?? 1) : 130);
