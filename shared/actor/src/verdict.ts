import type { ErrorCode } from "@soma/base";

/** What becomes of the message behind an input; the runtime alone turns it into ack, nak or term. */
export type Verdict =
  /** Done, also when a repeat changed nothing. */
  | { readonly kind: "accept" }
  /** Cannot be judged yet (a parent is missing, the epoch has not begun): come back after `delayMs` milliseconds. */
  | { readonly kind: "defer"; readonly delayMs: number }
  /** Never will be valid. `code` is stable and documented; the message goes to the dead letters. */
  | { readonly kind: "reject"; readonly code: ErrorCode };

export const accept: Verdict = Object.freeze({ kind: "accept" });

export function defer(delayMs: number): Verdict {
  return { kind: "defer", delayMs };
}

export function reject(code: ErrorCode): Verdict {
  return { kind: "reject", code };
}
