import { readdirSync, readFileSync } from "node:fs";

/** /proc counts CPU time in hundredths of a second on every Linux that this runs on. */
const TICKS = 100;

/** A process that is at work for the bench, or below one that is. */
interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/**
 * Seconds of CPU so far (of nothing, where there is no /proc) of this process and all below it, by what was at work. `partOf` names the part of a thread by
 * its process and its name (`inference`, `MainThread`, ...).
 */
export function cpuSeconds(partOf: (process: Running, thread: string) => string): Map<string, number> {
  const total = new Map<string, number>();
  for (const process of family()) {
    for (const { name, seconds } of threadsOf(process.pid)) {
      const part = partOf(process, name);
      total.set(part, (total.get(part) ?? 0) + seconds);
    }
  }
  return total;
}

function family(): Running[] {
  const all = new Map<number, Running>();
  for (const name of attempt(() => readdirSync("/proc")) ?? []) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined;
    if (stat === undefined) continue;
    const { comm, fields } = parse(stat);
    all.set(Number(name), { pid: Number(name), parent: Number(fields[1]), command: comm });
  }
  const isOurs = (running: Running | undefined): boolean =>
    running !== undefined && (running.pid === process.pid || isOurs(all.get(running.parent)));
  return [...all.values()].filter(isOurs);
}

function threadsOf(pid: number): { name: string; seconds: number }[] {
  const ids = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return ids.flatMap((id) => {
    const stat = read(`/proc/${pid}/task/${id}/stat`);
    if (stat === undefined) return [];
    const { comm, fields } = parse(stat);
    return [{ name: comm, seconds: (Number(fields[11]) + Number(fields[12])) / TICKS }];
  });
}

/** proc(5): the name in brackets may hold anything; state is the first field after it. */
function parse(stat: string): { comm: string; fields: string[] } {
  const end = stat.lastIndexOf(")");
  return { comm: stat.slice(stat.indexOf("(") + 1, end), fields: stat.slice(end + 2).split(" ") };
}

/** Undefined when the process has ended meanwhile. */
function read(path: string): string | undefined {
  return attempt(() => readFileSync(path, "utf8"));
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
