import type { Msg, NatsConnection, Subscription as NatsSubscription } from "@nats-io/nats-core";
import type { Result } from "@soma/base";
import type { CoreMessage, RequestMessage } from "@soma/contracts";
import type { Telemetry } from "@soma/telemetry";
import { BoundedWorker } from "./bounded-worker.ts";
import type { BusMetrics } from "./bus-metrics.ts";
import { flush } from "./flush.ts";
import { buildHeaders, HEADER } from "./headers.ts";
import { handlingSpan, type MessageContext, messageContext, type RequestContext } from "./message-context.ts";

export interface ReaderDeps {
  readonly connection: NatsConnection;
  readonly network: string;
  readonly telemetry: Telemetry;
  readonly metrics: BusMetrics;
}

export interface SubscribeOptions {
  /** Readers of one queue share the messages; without it each gets all. */
  readonly queue?: string;
  /** Handlers at once, default 1: in the order of arrival. */
  readonly concurrency?: number;
  /** Messages that may wait for a handler, default 8192; more are dropped and counted. */
  readonly maxWaiting?: number;
}

export interface RespondOptions {
  /** Default: the service's name, so that replicas share the requests. */
  readonly queue?: string;
  /** Handlers at once, default 64. */
  readonly concurrency?: number;
  /** Requests that may wait, default 1024; more are answered REQUEST_BUSY. */
  readonly maxWaiting?: number;
}

/** A subscription or responder that is active. */
export interface Reader {
  /** Stops taking messages and waits for the handlers. */
  close(): Promise<void>;
}

/** Reads a core message; what cannot be decoded or does not fit is dropped and counted. */
export async function openSubscription<P, Name extends string>(
  message: CoreMessage<P, Name>,
  filter: string,
  handler: (payload: P, context: MessageContext<Name>) => void | Promise<void>,
  options: SubscribeOptions,
  deps: ReaderDeps,
): Promise<Reader> {
  const drop = (code: string) => deps.metrics.dropped.add(1, { message: message.name, code });
  const handle = async (msg: Msg): Promise<void> => {
    const began = performance.now();
    try {
      const decoded = message.decode(msg.data);
      if (!decoded.ok) {
        drop(decoded.code);
        return;
      }
      const context = messageContext(message, deps.network, msg);
      if (deps.telemetry.traces)
        await deps.telemetry.withSpan(
          `process ${message.name}`,
          handlingSpan(message, context, "consumer"),
          () => handler(decoded.value, context),
        );
      else await handler(decoded.value, context);
      deps.metrics.handled.add(1, { message: message.name, verdict: "accept" });
    } catch (error) {
      drop("HANDLER_FAILED");
      deps.telemetry.log.error({ error: stack(error) }, `handler of ${message.name} failed`);
    } finally {
      deps.metrics.process.record((performance.now() - began) / 1000, { message: message.name });
    }
  };
  const worker = new BoundedWorker({
    concurrency: options.concurrency ?? 1,
    maxWaiting: options.maxWaiting ?? 8192,
    handle,
  });
  const subscription = deps.connection.subscribe(filter, {
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    callback: (error, msg) => {
      if (error !== null)
        deps.telemetry.log.error({ error: String(error) }, `subscription to ${message.name}`);
      else if (!worker.offer(msg)) drop("READER_BUSY");
    },
  });
  await flush(deps.connection);
  return reader(subscription, worker);
}

/** Answers requests. A refusal travels as a code; what a handler throws is told to the log alone. */
export async function openResponder<P, R, Name extends string>(
  message: RequestMessage<P, R, Name>,
  filter: string,
  handler: (payload: P, context: RequestContext<Name>) => Result<R> | Promise<Result<R>>,
  options: RespondOptions & { queue: string },
  deps: ReaderDeps,
): Promise<Reader> {
  const refuse = (msg: Msg, code: string, reason: string) => {
    const headers = buildHeaders({ [HEADER.code]: code, [HEADER.reason]: oneLine(reason) }, undefined)!;
    msg.respond(new Uint8Array(), { headers });
    deps.metrics.handled.add(1, { message: message.name, verdict: "reject" });
  };
  const handle = async (msg: Msg): Promise<void> => {
    const began = performance.now();
    try {
      const decoded = message.decode(msg.data);
      if (!decoded.ok) {
        refuse(msg, decoded.code, decoded.message);
        return;
      }
      const context = messageContext(message, deps.network, msg);
      await deps.telemetry.withSpan(
        `process ${message.name}`,
        handlingSpan(message, context, "server"),
        async (span) => {
          const values: Record<string, string> = {};
          const setAnswerHeader = (name: string, value: string) => {
            values[name] = value;
          };
          const answer = await handler(decoded.value, { ...context, setAnswerHeader });
          if (answer.ok) {
            const headers = buildHeaders(values, undefined);
            msg.respond(message.reply.encode(answer.value), headers === undefined ? {} : { headers });
            deps.metrics.handled.add(1, { message: message.name, verdict: "accept" });
          } else {
            span.set({ "error.type": answer.code });
            refuse(msg, answer.code, answer.message);
          }
        },
      );
    } catch (error) {
      deps.telemetry.log.error({ error: stack(error) }, `responder of ${message.name} failed`);
      refuse(msg, "REQUEST_FAILED", "the responder failed");
    } finally {
      deps.metrics.process.record((performance.now() - began) / 1000, { message: message.name });
    }
  };
  const worker = new BoundedWorker({
    concurrency: options.concurrency ?? 64,
    maxWaiting: options.maxWaiting ?? 1024,
    handle,
  });
  const subscription = deps.connection.subscribe(filter, {
    queue: options.queue,
    callback: (error, msg) => {
      if (error !== null) deps.telemetry.log.error({ error: String(error) }, `responder of ${message.name}`);
      else if (!worker.offer(msg)) refuse(msg, "REQUEST_BUSY", "too many requests wait");
    },
  });
  await flush(deps.connection);
  return reader(subscription, worker);
}

function reader(subscription: NatsSubscription, worker: BoundedWorker<Msg>): Reader {
  return {
    async close() {
      if (!subscription.isClosed()) await subscription.drain();
      await worker.idle();
    },
  };
}

function stack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// A header value may hold no line break.
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ").slice(0, 512);
}
