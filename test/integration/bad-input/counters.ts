import { scrape } from "@soma/telemetry";

/** Sum over the samples of a metric of this process that have these labels; 0 while there is none. */
export async function counted(
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  return countedIn(await scrape(), metric, labels);
}

/** The same of a scraped page. */
export function countedIn(
  page: string,
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const line of page.split("\n")) {
    const match = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null || match[1] !== metric) continue;
    const found = match[2] ?? "";
    if (Object.entries(labels).every(([key, value]) => found.includes(`${key}="${value}"`))) {
      sum += Number(match[3]);
    }
  }
  return sum;
}
