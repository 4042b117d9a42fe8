import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { scrape, sharedInstrument } from "./meter.ts";

const work = async () => Number(/^nodejs_eventloop_work_max\S* (\S+)$/m.exec(await scrape())?.[1]);

function spin(cpuMs: number): void {
  const { user, system } = process.threadCpuUsage();
  for (;;) {
    const used = process.threadCpuUsage();
    if (used.user + used.system - user - system >= 1000 * cpuMs) return;
  }
}

test("work that blocks the main thread shows in the next scrape and no later one; waiting does not show", async () => {
  sharedInstrument("counter", "opens", { description: "the meter" });
  await pause(50);
  await work();
  spin(150);
  await pause(50);
  expect(await work()).toBeGreaterThanOrEqual(0.15);
  await pause(300);
  expect(await work()).toBeLessThan(0.15);
});
