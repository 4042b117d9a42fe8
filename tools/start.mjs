// `npm start`: sets up, then runs the network on this machine until Ctrl-C, or one job with `-- --once`.
// package.json runs it by `exec`: npm passes its signals to the shell, which would keep them to itself.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { node24, ROOT, runTool, setup } from "./setup.mjs";

/** Signals of one Ctrl-C arrive twice, from the terminal and from npm; the second of them must not mean "at once". */
const SAME_SIGNAL_MS = 1000;

await runTool(async () => {
  await setup();
  const args = [
    join(ROOT, "services/cli/bin/soma.mjs"),
    "devnet",
    "--fresh",
    "--demo",
    ...process.argv.slice(2),
  ];
  const child = spawn(node24(), args, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}` },
    // A group of its own, so that it gets only the signals that are passed on below.
    detached: true,
  });
  let last = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      if (Date.now() - last < SAME_SIGNAL_MS) return;
      last = Date.now();
      child.kill(signal);
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
});
