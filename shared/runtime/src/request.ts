import { errors, type Msg, type NatsConnection } from "@nats-io/nats-core";
import { err, ok, type Result } from "@soma/base";
import type { Traceparent } from "@soma/telemetry";
import { buildHeaders, HEADER, type HeaderValues, readHeader } from "./headers.ts";
import { sleep } from "./sleep.ts";

export interface RequestOptions {
  /** Time for the answer, default 5000. */
  readonly timeoutMs?: number;
  /** Refuse at once when nobody responds, instead of asking again until the time is up. */
  readonly failFast?: boolean;
  /** Time to ask again while nobody responds (a service that starts), default `timeoutMs`. */
  readonly patienceMs?: number;
  /** Sent with the question. */
  readonly headers?: HeaderValues;
  /** Called with a reader of the answer's headers, before the answer is returned. */
  readonly onHeaders?: (header: (name: string) => string | undefined) => void;
}

/** Sends a request and gives the bytes of the answer. Only a request that nobody received is sent again. */
export async function askOnce(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array,
  traceparent: Traceparent | undefined,
  options: RequestOptions,
): Promise<Result<Uint8Array>> {
  const headers = buildHeaders(options.headers, traceparent);
  const timeoutMs = options.timeoutMs ?? 5000;
  const deadline = performance.now() + timeoutMs;
  const patience = options.failFast === true ? 0 : Math.min(options.patienceMs ?? timeoutMs, timeoutMs);
  const patientUntil = performance.now() + patience;
  for (let attempt = 0; ; attempt++) {
    const remaining = Math.max(1, deadline - performance.now());
    try {
      const answer = await connection.request(subject, payload, {
        timeout: remaining,
        ...(headers === undefined ? {} : { headers }),
      });
      options.onHeaders?.((name) => readHeader(answer.headers, name));
      return read(answer);
    } catch (error) {
      if (!isNoResponder(error)) return refusal(error);
      const pause = Math.min(20 * 2 ** attempt, 250);
      if (performance.now() + pause >= patientUntil)
        return err("REQUEST_NO_RESPONDER", `nobody answers ${subject}`);
      await sleep(pause);
    }
  }
}

function read(answer: Msg): Result<Uint8Array> {
  const code = readHeader(answer.headers, HEADER.code);
  if (code === undefined) return ok(answer.data);
  return err(code, readHeader(answer.headers, HEADER.reason) ?? "refused");
}

function isNoResponder(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}

/** Whether a request went out and no answer came in time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof errors.TimeoutError || (error as Error).cause instanceof errors.TimeoutError;
}

function refusal(error: unknown): Result<Uint8Array> {
  return isTimeout(error)
    ? err("REQUEST_TIMEOUT", "no answer in time")
    : err("REQUEST_FAILED", error instanceof Error ? error.message : String(error));
}
