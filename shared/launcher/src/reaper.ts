import { type ChildProcess, spawn } from "node:child_process";

// Reads the ids of the processes that live, a line at each change; once nobody can write any more, kills the last ones.
const SCRIPT =
  'ids=""; while read -r line; do ids="$line"; done; [ -z "$ids" ] || kill -KILL $ids 2>/dev/null';

const living = new Set<number>();
let reaper: ChildProcess | undefined;

/**
 * Has a child end with this process, however this one ends, SIGKILL included: a shell of its own group waits for the end
 * of its input, which the system closes with the process that holds it.
 */
export function endWithUs(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  living.add(pid);
  child.once("exit", () => {
    living.delete(pid);
    tell();
  });
  tell();
}

function tell(): void {
  if (reaper === undefined) {
    const started = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    started.unref();
    const forget = () => {
      if (reaper === started) reaper = undefined;
    };
    // Without it processes are ended in order all the same; only a killed parent leaves some behind.
    started.once("error", forget);
    started.once("exit", forget);
    started.stdin.on("error", forget);
    (started.stdin as unknown as { unref(): void }).unref();
    reaper = started;
  }
  reaper.stdin?.write(`${[...living].join(" ")}\n`);
}
