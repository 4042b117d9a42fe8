import type { Message, StreamDefinition, StreamMessage } from "./define.ts";

/**
 * What one NATS user may do. An empty list means nothing; the server's own format takes an empty `allow` for
 * everything, so whoever writes its configuration must then write `deny: ">"`.
 */
export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Responders may answer on the asker's inbox without naming it. */
  readonly allowResponses: boolean;
}

/** The inbox prefix of a service's connections, so that no service reads another's answers. */
export function inboxPrefix(service: string): string {
  return `_INBOX_${service.replaceAll("-", "_")}`;
}

/** Least privilege from the registry: what `from`, `to` and `owner` imply, and nothing else. */
export function permissionsFor(
  service: string,
  network: string,
  messages: readonly Message[],
  streams: readonly StreamDefinition[],
): NatsPermissions {
  const publish = new Set<string>();
  const subscribe = new Set<string>([`${inboxPrefix(service)}.>`]);
  let allowResponses = false;
  const isNamed = (services: readonly string[]) => services.includes(service) || services.includes("*");
  const api = (stream: StreamDefinition, ...calls: readonly string[]) => {
    for (const call of calls) publish.add(`$JS.API.${call}.${stream.serverName(network)}`);
  };
  for (const message of messages) {
    const filter = message.filter(network);
    const stream = message.kind === "stream" ? (message as StreamMessage).stream : undefined;
    if (isNamed(message.from)) publish.add(filter);
    // Whoever comes first makes the stream, always by the one definition.
    if (stream !== undefined && (isNamed(message.from) || isNamed(message.to)))
      api(stream, "STREAM.INFO", "STREAM.CREATE");
    if (!isNamed(message.to)) continue;
    if (stream === undefined) subscribe.add(filter);
    else {
      const name = stream.serverName(network);
      publish.add(`$JS.API.CONSUMER.*.${name}.>`);
      publish.add(`$JS.API.CONSUMER.DURABLE.CREATE.${name}.>`);
      publish.add(`$JS.API.CONSUMER.MSG.NEXT.${name}.>`);
      publish.add(`$JS.ACK.${name}.>`);
    }
    if (message.kind === "request") allowResponses = true;
  }
  for (const stream of streams)
    if (stream.owner === service)
      api(stream, "STREAM.INFO", "STREAM.CREATE", "STREAM.UPDATE", "STREAM.PURGE");
  return { publish: [...publish].sort(), subscribe: [...subscribe].sort(), allowResponses };
}
