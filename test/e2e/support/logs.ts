import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

function isTrouble(line: string): boolean {
  return /"level":"(warn|error|fatal)"/.test(line) || line.startsWith("soma:");
}

/**
 * What the logs of a network say after a failure: the last lines of the processes concerned, and the last warnings
 * of all others.
 */
export function tellLogs(networkFolder: string, concerned: readonly string[] = []): string {
  const folder = join(networkFolder, "logs");
  if (!existsSync(folder)) return `no logs in ${folder}`;
  const parts: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const name = file.replace(/\.log$/, "");
    const lines = linesOf(join(folder, file));
    const shown = concerned.includes(name) ? lines.slice(-40) : lines.filter(isTrouble).slice(-4);
    if (shown.length > 0) parts.push(`--- ${name}`, ...shown.map((line) => line.slice(0, 600)));
  }
  return parts.join("\n");
}
