import { readdirSync, readFileSync } from "node:fs";

/** Linux counts in hundredths of a second. */
const TICK_MS = 10;

/** Processor time of all processes below this one, in milliseconds. */
export function childTimeMs(): number {
  const parents = new Map<number, number>();
  const times = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      parents.set(Number(entry), Number(fields[1]));
      times.set(Number(entry), (Number(fields[11]) + Number(fields[12])) * TICK_MS);
    } catch {
      // It ended meanwhile.
    }
  }
  let sum = 0;
  for (const [pid, time] of times) {
    let above = parents.get(pid);
    while (above !== undefined && above !== process.pid) above = parents.get(above);
    if (above === process.pid) sum += time;
  }
  return sum;
}
