import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** One Ctrl-C, or one signal to a group, may arrive by several ways; the second of them must not mean "at once". */
const SAME_SIGNAL_MS = 1_000;

/** A signal ended a command before its time. */
export class Interrupted extends Error {
  /** As a shell counts a program that the signal ended. */
  readonly status: number;

  constructor(signal: (typeof SIGNALS)[number]) {
    super(`stopped by ${signal}`);
    this.status = 128 + constants.signals[signal];
  }
}

/** Aborts, with an `Interrupted`, when this process is asked to end; asked again later, it ends at once. */
export function interruption(): AbortSignal {
  const stop = new AbortController();
  let asked: number | undefined;
  for (const name of SIGNALS)
    process.on(name, () => {
      const reason = new Interrupted(name);
      if (asked === undefined) {
        asked = performance.now();
        stop.abort(reason);
      } else if (performance.now() - asked > SAME_SIGNAL_MS) process.exit(reason.status);
    });
  return stop.signal;
}
