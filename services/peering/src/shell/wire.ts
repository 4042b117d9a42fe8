import type { CoreMessage, Tokens } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";
import type { Wire } from "./channel.ts";

/** Envelopes as a message on a bus, within the trace of whoever sent them and not of whoever emptied the queue. */
export function busWire<Name extends string>(
  bus: Bus,
  message: CoreMessage<Uint8Array, Name>,
  tokens: Tokens<Name>,
  telemetry: Telemetry,
): Wire {
  return {
    flush: () => bus.flush(),
    async publish(bytes, traceparent) {
      const parent = traceparent ?? null;
      await telemetry.withSpan("send envelope", { role: "producer", parent }, () =>
        bus.publish(message, tokens, bytes),
      );
    },
  };
}
