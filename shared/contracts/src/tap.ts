import type { Message, StreamDefinition } from "./define.ts";
import { inboxPrefix, type NatsPermissions } from "./permissions.ts";

/** The NATS user of `soma tap`: no service, it sends no message and answers none. */
export const TAP = "tap";

/**
 * Reads every declared message inside an operator and sends none. It may ask whether a stream exists, because its
 * own subscription would otherwise hide from a publisher that nobody keeps the message.
 */
export function tapPermissions(
  network: string,
  messages: readonly Message[],
  streams: readonly StreamDefinition[],
): NatsPermissions {
  const inside = messages.filter(({ space }) => space === "inside");
  return {
    publish: streams.map((stream) => `$JS.API.STREAM.INFO.${stream.serverName(network)}`).sort(),
    subscribe: [`${inboxPrefix(TAP)}.>`, ...inside.map((message) => message.filter(network))].sort(),
    allowResponses: false,
  };
}
