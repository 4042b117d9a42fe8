import { ok } from "@soma/base";
import { defineMessage, defineStream } from "./define.ts";
import { token } from "./subject.ts";

/** Messages that a consumer refused or gave up on, kept for a person to look at and send again. */
export const DeadLetterStream = defineStream({
  name: "dead-letter",
  owner: "runtime",
  doc: "Messages that a consumer refused or could not handle in the allowed number of deliveries.",
  retention: "limits",
  storage: "file",
  discard: "old",
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 7 * 24 * 3_600_000,
});

/**
 * The payload is the original's bytes, unread. Headers say the rest: Soma-Subject, Soma-Stream-Sequence,
 * Soma-Deliveries, Soma-Code (why), and the original's trace context.
 */
export const DeadLetter = defineMessage({
  name: "runtime.dead-letter",
  version: 1,
  owner: "runtime",
  from: ["*"],
  space: "inside",
  subject: ["dead-letter", token("stream"), token("consumer")],
  payload: { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => ok(bytes) },
  delivery: { kind: "stream", stream: DeadLetterStream },
  maxBytes: 1024 * 1024,
  doc: "A message that a durable consumer refused, or could not handle in its allowed number of deliveries.",
});
