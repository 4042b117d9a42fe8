import type { Verdict } from "@soma/actor";
import type { StreamMessage } from "@soma/contracts";
import type { MessageContext } from "./message-context.ts";

/** Decides on one message of a stream. What it throws counts as a defer with growing delay. */
export type StreamHandler<P, Name extends string> = (
  payload: P,
  context: MessageContext<Name>,
) => Verdict | Promise<Verdict>;

/** A message of a stream with its handler, for a consumer that takes several kinds in their order. */
export interface Binding {
  readonly message: StreamMessage;
  readonly handler: StreamHandler<unknown, string>;
}

/** Pairs a message with its handler: `bus.consumeAll(Jobs, options, [on(JobOpened, opened), on(JobClosed, closed)])`. */
export function on<P, Name extends string>(
  message: StreamMessage<P, Name>,
  handler: StreamHandler<P, Name>,
): Binding {
  return { message, handler } as unknown as Binding;
}

export interface ConsumeOptions {
  /** Name of the consumer on the server, usually the service's. Its position survives restarts and is shared by replicas. */
  readonly durable: string;
  /** Messages in handlers at once in this process, default 64. For slow work, what the device takes at once. */
  readonly maxInFlight?: number;
  /**
   * `serial` (default): one after another in stream order. A function: one after another for equal keys. `none`:
   * as they come. A deferred message comes back later than its followers, whatever the order.
   */
  readonly order?: "serial" | "none" | ((context: MessageContext<string>) => string);
  /** Time after which the server gives the message to another; handlers in progress extend it. Default 30 s. */
  readonly ackWaitMs?: number;
  /** Deliveries, deferrals included, after which a message becomes a dead letter. Default 16. */
  readonly maxDeliver?: number;
  /** Unacknowledged messages over all replicas, default 1000. */
  readonly maxAckPending?: number;
  /** Where a new consumer begins, default `all` that the stream holds. */
  readonly from?: "all" | "new";
}
