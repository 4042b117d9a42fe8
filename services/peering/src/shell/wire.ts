import type { CoreMessage, Tokens } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import { within } from "@soma/telemetry";
import type { Wire } from "./channel.ts";

/** Envelopes as a message on a bus, within the trace of whoever sent them and not of whoever emptied the queue. */
export function busWire<Name extends string>(
  bus: Bus,
  message: CoreMessage<Uint8Array, Name>,
  tokens: Tokens<Name>,
): Wire {
  return {
    flush: () => bus.flush(),
    publish: (bytes, traceparent) => within(traceparent, () => bus.publish(message, tokens, bytes)),
  };
}
