import { DeadLetterStream, type StreamDefinition } from "@soma/contracts";
import type { Telemetry } from "@soma/telemetry";
import type { Binding, ConsumeOptions } from "./binding.ts";
import type { BusMetrics } from "./bus-metrics.ts";
import { DurableConsumer, GIVE_BACK_MS } from "./durable-consumer.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { messageContext } from "./message-context.ts";
import { Settler } from "./settle.ts";
import type { StreamPort } from "./stream-port.ts";

const MAX_DELIVER = 16;

export interface ConsumeDeps {
  readonly streams: StreamPort;
  readonly network: string;
  readonly telemetry: Telemetry;
  readonly metrics: BusMetrics;
}

/** Joins a durable consumer, the order of its keys and the one place that settles. */
export function openConsumer(
  stream: StreamDefinition,
  options: ConsumeOptions & { readonly filterSubject: string | undefined },
  bindings: readonly Binding[],
  deps: ConsumeDeps,
): Promise<DurableConsumer> {
  const { network, streams, telemetry, metrics } = deps;
  const settler = new Settler(
    {
      network,
      stream: stream.name,
      durable: options.durable,
      maxDeliver: options.maxDeliver ?? MAX_DELIVER,
    },
    { js: streams.js, telemetry, metrics, ensureDeadLetters: () => streams.ensured(DeadLetterStream) },
  );
  const queue = new KeyedQueue();
  const order = options.order ?? "serial";
  const keyOf = (binding: Binding, message: { subject: string; seq: number }): string => {
    if (typeof order === "string") return order === "serial" ? "" : String(message.seq);
    return order(messageContext(binding.message, network, message));
  };
  return DurableConsumer.open(
    { ...options, stream, streamName: stream.serverName(network), filter: options.filterSubject },
    {
      js: streams.js,
      jsm: streams.jsm,
      telemetry,
      ensure: () => streams.create(stream),
      take: (message, stopping) => {
        const binding = bindings.find((b) => b.message.parse(network, message.subject) !== undefined);
        if (binding === undefined) return settler.take(undefined, message);
        return queue.run(keyOf(binding, message), async () => {
          if (stopping.aborted) message.nak(GIVE_BACK_MS);
          else await settler.take(binding, message);
        });
      },
    },
  );
}
