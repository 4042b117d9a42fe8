import { headers as createHeaders, type MsgHdrs } from "@nats-io/nats-core";
import type { Traceparent } from "@soma/telemetry";

/** Header names; NATS compares them exactly. */
export const HEADER = {
  messageId: "Nats-Msg-Id",
  traceparent: "traceparent",
  /** Trace contexts of single items of a batch, as `encodeTraces` writes them. */
  traces: "Soma-Traces",
  /** On an answer: the request was refused with this stable code. */
  code: "Soma-Code",
  /** On an answer: one sentence for a person. */
  reason: "Soma-Reason",
  /** On a dead letter: where it came from. */
  subject: "Soma-Subject",
  streamSequence: "Soma-Stream-Sequence",
  deliveries: "Soma-Deliveries",
} as const;

/** Headers of one message, as read or as given to `publish`. */
export type HeaderValues = Readonly<Record<string, string>>;

/** Builds headers, or undefined when there is nothing to say, which spares the server and the reader work. */
export function buildHeaders(
  values: HeaderValues | undefined,
  traceparent: Traceparent | undefined,
): MsgHdrs | undefined {
  const entries = values === undefined ? [] : Object.entries(values);
  if (entries.length === 0 && traceparent === undefined) return undefined;
  const headers = createHeaders();
  for (const [name, value] of entries) headers.set(name, value);
  if (traceparent !== undefined) headers.set(HEADER.traceparent, traceparent);
  return headers;
}

export function readHeader(headers: MsgHdrs | undefined, name: string): string | undefined {
  return headers?.has(name) ? headers.get(name) : undefined;
}
