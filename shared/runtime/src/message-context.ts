import type { MsgHdrs } from "@nats-io/nats-core";
import { SomaError } from "@soma/base";
import type { Message } from "@soma/contracts";
import type { SpanOptions, SpanRole, Traceparent } from "@soma/telemetry";
import { HEADER, readHeader } from "./headers.ts";

/** What a handler learns of a message beside its payload. */
export interface MessageContext<Name extends string = string> {
  readonly subject: string;
  /** The token values of the subject. Routing hints: who sent it is said by a signature, not by these. */
  readonly tokens: Readonly<Record<Name, string>>;
  /** The publisher's id, the key of the inbox. Every message that the bus puts into a stream has one. */
  readonly messageId: string | undefined;
  /** The sender's trace context. */
  readonly traceparent: Traceparent | undefined;
  /** Sequence number in the stream; 0 outside a stream. */
  readonly sequence: number;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  header(name: string): string | undefined;
}

/** What a responder may add to its answer beside the value. */
export interface RequestContext<Name extends string = string> extends MessageContext<Name> {
  setAnswerHeader(name: string, value: string): void;
}

/** The part of a received message that every kind of reader sees. */
export interface Received {
  readonly subject: string;
  readonly headers?: MsgHdrs | undefined;
}

export function messageContext<Name extends string>(
  message: Message<unknown, Name>,
  network: string,
  received: Received,
  stream: { sequence: number; deliveries: number } = { sequence: 0, deliveries: 1 },
): MessageContext<Name> {
  const tokens = message.parse(network, received.subject);
  if (tokens === undefined)
    throw new SomaError("MESSAGE_SUBJECT", `${received.subject} is not of ${message.name}`);
  return {
    subject: received.subject,
    tokens,
    messageId: readHeader(received.headers, HEADER.messageId),
    traceparent: readHeader(received.headers, HEADER.traceparent),
    ...stream,
    header: (name) => readHeader(received.headers, name),
  };
}

/**
 * The span of handling a message. Inside an operator it continues the sender's trace; what came over an edge is
 * only linked, so that another operator can neither force sampling nor write into our traces.
 */
export function handlingSpan(message: Message, context: MessageContext, role: SpanRole): SpanOptions {
  const foreign = message.space === "edge";
  return {
    role,
    parent: foreign ? null : (context.traceparent ?? null),
    links: foreign ? [context.traceparent] : [],
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.template": message.template(),
      ...(context.messageId === undefined ? {} : { "messaging.message.id": context.messageId }),
      ...(context.sequence === 0 ? {} : { "soma.stream.sequence": context.sequence }),
      ...(context.deliveries === 1 ? {} : { "soma.deliveries": context.deliveries }),
    },
  };
}
