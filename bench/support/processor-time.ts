import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Processor time of this process and all below it, in milliseconds, by what they are. */
export type ProcessorTime = Readonly<
  Record<"validators" | "signatures" | "postgres" | "nats" | "bench", number>
>;

/** Linux counts in hundredths of a second. */
const TICK_MS = 10;

interface Task {
  readonly parent: number;
  readonly ticks: number;
  readonly name: string;
}

/** Null where there is no /proc. `signatures` is what the validators' worker threads took. */
export function processorTime(): ProcessorTime | null {
  if (!existsSync("/proc/self/task")) return null;
  const tasks = new Map<number, Task>();
  for (const entry of readdirSync("/proc")) {
    const task = /^[0-9]+$/.test(entry) ? taskAt(`/proc/${entry}`) : undefined;
    if (task !== undefined) tasks.set(Number(entry), task);
  }
  const time = { validators: 0, signatures: 0, postgres: 0, nats: 0, bench: 0 };
  for (const [pid, { ticks, name }] of tasks) {
    if (!isOurs(tasks, pid)) continue;
    const kind = pid === process.pid ? "bench" : kindOf(pid, name);
    const workers = kind === "validators" ? workerTicks(pid) : 0;
    time[kind] += (ticks - workers) * TICK_MS;
    time.signatures += workers * TICK_MS;
  }
  return time;
}

/** What each transfer took, in milliseconds. */
export function timeEach(before: ProcessorTime | null, after: ProcessorTime | null, count: number) {
  if (before === null || after === null) return {};
  const kinds = Object.keys(after) as (keyof ProcessorTime)[];
  return Object.fromEntries(
    kinds.map((kind) => [kind, Math.round((1000 * (after[kind] - before[kind])) / count) / 1000]),
  );
}

function isOurs(tasks: ReadonlyMap<number, Task>, pid: number): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = tasks.get(at)?.parent) {
    if (at === process.pid) return true;
  }
  return false;
}

function kindOf(pid: number, name: string): keyof ProcessorTime {
  if (name.startsWith("nats")) return "nats";
  return commandOf(pid).includes("postgres") ? "postgres" : "validators";
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Node names its worker threads so. */
function workerTicks(pid: number): number {
  let ticks = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const task = taskAt(`/proc/${pid}/task/${thread}`);
      if (task?.name === "WorkerThread") ticks += task.ticks;
    }
  } catch {
    // It ended meanwhile.
  }
  return ticks;
}

function taskAt(folder: string): Task | undefined {
  let stat: string;
  try {
    stat = readFileSync(`${folder}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).split(" ");
  return {
    name: stat.slice(stat.indexOf("(") + 1, end),
    parent: Number(fields[1]),
    ticks: Number(fields[11]) + Number(fields[12]),
  };
}
