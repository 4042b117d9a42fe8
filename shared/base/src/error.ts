/** A stable, documented identifier such as `MEMPOOL_SEQUENCE_STALE`; clients match on it, never on text. */
export type ErrorCode = string;

/** An error with a stable code, a message for a person, and facts for a log line. */
export class SomaError extends Error {
  override readonly name = "SomaError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}
