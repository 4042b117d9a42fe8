import type { Meter } from "@opentelemetry/api";

const EVERY_MS = 20;

/**
 * `nodejs.eventloop.work.max`: the longest processor time, in seconds, that the main thread spent between two turns of a
 * timer since the last scrape. The event loop's delay by the clock also has the time that the thread waited for a core:
 * this has the work that nothing else could come between, at a resolution of 20 ms.
 */
export function observeEventLoopWork(meter: Meter): void {
  let longest = 0;
  let before = used();
  const look = () => {
    const now = used();
    longest = Math.max(longest, now - before);
    before = now;
  };
  setInterval(look, EVERY_MS).unref();
  const gauge = meter.createObservableGauge("nodejs.eventloop.work.max", {
    unit: "s",
    description:
      "Longest processor time of the main thread between two turns of its timers, since the last scrape.",
  });
  gauge.addCallback((result) => {
    look();
    result.observe(longest / 1e6);
    longest = 0;
  });
}

/** Microseconds of this thread so far. */
function used(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
