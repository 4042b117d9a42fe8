/**
 * Milliseconds for intervals: the wall's time at the process's start, then the machine's monotonic clock, so that setting
 * the clock moves no deadline. Never for a time that is signed, stored or compared with another process's.
 */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}
