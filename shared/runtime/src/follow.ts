import { DeliverPolicy, type JetStreamClient, type OrderedConsumerOptions } from "@nats-io/jetstream";
import type { StreamMessage } from "@soma/contracts";
import type { Telemetry } from "@soma/telemetry";
import { handlingSpan, type MessageContext, messageContext } from "./message-context.ts";
import { sleep } from "./sleep.ts";

/** Where to begin reading: everything held, only what comes, or a sequence number (inclusive). */
export type FollowFrom = "all" | "new" | { readonly sequence: number };

export type FollowHandler<P, Name extends string> = (
  payload: P,
  context: MessageContext<Name>,
) => void | Promise<void>;

/**
 * Reads a stream in order without acknowledging, as a log. The reader keeps its own position. A handler that
 * throws sees the same message again after a pause; what cannot be decoded is passed over with a log line.
 */
export class Follower {
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #interrupt: () => void = () => {};

  private constructor() {}

  static open<P, Name extends string>(
    options: {
      message: StreamMessage<P, Name>;
      network: string;
      filter: string;
      from: FollowFrom;
      handler: FollowHandler<P, Name>;
    },
    deps: { js: JetStreamClient; telemetry: Telemetry; ensure: () => Promise<void> },
  ): Follower {
    const follower = new Follower();
    follower.#loop = follower.#run(options, deps);
    return follower;
  }

  /** Ends after the message in hand. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#interrupt();
    await this.#loop;
  }

  async #run<P, Name extends string>(
    options: Parameters<typeof Follower.open<P, Name>>[0],
    deps: Parameters<typeof Follower.open<P, Name>>[1],
  ): Promise<void> {
    const { message: definition, network, handler } = options;
    let from = options.from;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        await deps.ensure();
        const consumer = await deps.js.consumers.get(
          definition.stream.serverName(network),
          orderedOptions(options.filter, from),
        );
        const messages = await consumer.consume({ max_messages: 100 });
        this.#interrupt = () => void messages.close();
        if (this.#stop.signal.aborted) break;
        for await (const message of messages) {
          from = { sequence: message.seq };
          const context = messageContext(definition, network, message, {
            sequence: message.seq,
            deliveries: 1,
          });
          const decoded = definition.decode(message.data);
          if (decoded.ok)
            await deps.telemetry.withSpan(
              `process ${definition.name}`,
              handlingSpan(definition, context, "consumer"),
              () => handler(decoded.value, context),
            );
          else deps.telemetry.log.warn({ code: decoded.code, sequence: message.seq }, "passed over");
          from = { sequence: message.seq + 1 };
          failures = 0;
          if (this.#stop.signal.aborted) break;
        }
      } catch (error) {
        failures++;
        deps.telemetry.log.warn({ error: String(error) }, `follower of ${definition.name}: again`);
        await sleep(Math.min(50 * 2 ** failures, 5000), this.#stop.signal);
      } finally {
        this.#interrupt();
      }
    }
  }
}

function orderedOptions(filter: string, from: FollowFrom): Partial<OrderedConsumerOptions> {
  if (from === "all") return { filter_subjects: filter, deliver_policy: DeliverPolicy.All };
  if (from === "new") return { filter_subjects: filter, deliver_policy: DeliverPolicy.New };
  return {
    filter_subjects: filter,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from.sequence,
  };
}
