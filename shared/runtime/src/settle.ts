import type { JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { defer, reject, type Verdict } from "@soma/actor";
import { SomaError } from "@soma/base";
import { DeadLetter } from "@soma/contracts";
import type { Telemetry } from "@soma/telemetry";
import type { Binding } from "./binding.ts";
import type { BusMetrics } from "./bus-metrics.ts";
import { buildHeaders, HEADER } from "./headers.ts";
import { handlingSpan, messageContext } from "./message-context.ts";

export interface SettleOptions {
  readonly network: string;
  /** The stream's name without network, and the durable, as they stand in the dead letter's subject. */
  readonly stream: string;
  readonly durable: string;
  readonly maxDeliver: number;
}

export interface SettleDeps {
  readonly js: JetStreamClient;
  readonly telemetry: Telemetry;
  readonly metrics: BusMetrics;
  /** Makes the dead-letter stream exist. */
  readonly ensureDeadLetters: () => Promise<void>;
}

/** Turns messages into verdicts and verdicts into ack, nak or term: the only place that does. */
export class Settler {
  readonly #options: SettleOptions;
  readonly #deps: SettleDeps;

  constructor(options: SettleOptions, deps: SettleDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Handles one message to its end. Never rejects. */
  async take(binding: Binding | undefined, message: JsMsg): Promise<void> {
    if (binding === undefined) {
      message.ack();
      return;
    }
    const { deliveryCount } = message.info;
    // A worker that dies on a message never gives a verdict; the next delivery does it instead.
    const verdict =
      deliveryCount > this.#options.maxDeliver
        ? reject("MESSAGE_TOO_MANY_DELIVERIES")
        : await this.#judge(binding, message);
    const final =
      verdict.kind === "defer" && deliveryCount >= this.#options.maxDeliver
        ? reject("MESSAGE_TOO_MANY_DELIVERIES")
        : verdict;
    this.#deps.metrics.handled.add(1, { message: binding.message.name, verdict: final.kind });
    await this.#settle(message, final);
  }

  async #judge(binding: Binding, message: JsMsg): Promise<Verdict> {
    const { telemetry } = this.#deps;
    const began = performance.now();
    try {
      const definition = binding.message;
      const context = messageContext(definition, this.#options.network, message, {
        sequence: message.seq,
        deliveries: message.info.deliveryCount,
      });
      const decoded = definition.decode(message.data);
      if (!decoded.ok) return reject(decoded.code);
      if (!telemetry.traces) return await binding.handler(decoded.value, context);
      return await telemetry.withSpan(
        `process ${definition.name}`,
        handlingSpan(definition, context, "consumer"),
        async (span) => {
          const verdict = await binding.handler(decoded.value, context);
          if (verdict.kind !== "accept") span.set({ "soma.verdict": verdict.kind });
          if (verdict.kind === "reject") span.fail(verdict.code);
          return verdict;
        },
      );
    } catch (error) {
      telemetry.log.error(
        { error: error instanceof Error ? error.stack : String(error), sequence: message.seq },
        `handler of ${binding.message.name} failed`,
      );
      return defer(Math.min(100 * 2 ** message.info.deliveryCount, 30_000));
    } finally {
      this.#deps.metrics.process.record((performance.now() - began) / 1000, {
        message: binding.message.name,
      });
    }
  }

  async #settle(message: JsMsg, verdict: Verdict): Promise<void> {
    try {
      if (verdict.kind === "accept") message.ack();
      else if (verdict.kind === "defer") message.nak(verdict.delayMs);
      else {
        await this.#bury(message, verdict.code);
        // Without a reason: servers before 2.10.4 take a term with one for nothing and deliver again.
        message.term();
      }
    } catch (error) {
      this.#deps.telemetry.log.warn({ error: String(error) }, "a message could not be settled");
      message.nak(5000);
    }
  }

  /** Copies the message to the dead letters before it leaves the stream. */
  async #bury(message: JsMsg, code: string): Promise<void> {
    const { network, stream, durable } = this.#options;
    await this.#deps.ensureDeadLetters();
    const headers = buildHeaders(
      {
        [HEADER.subject]: message.subject,
        [HEADER.streamSequence]: String(message.seq),
        [HEADER.deliveries]: String(message.info.deliveryCount),
        [HEADER.code]: code,
      },
      message.headers?.get(HEADER.traceparent) || undefined,
    );
    if (headers === undefined) throw new SomaError("BUS_BUG", "a dead letter without headers");
    await this.#deps.js.publish(DeadLetter.subjectFor(network, { stream, consumer: durable }), message.data, {
      headers,
      msgID: `${stream}:${durable}:${message.seq}:${message.timestampNanos}`,
      retries: 5,
    });
    this.#deps.telemetry.log.warn(
      { code, subject: message.subject, sequence: message.seq, deliveries: message.info.deliveryCount },
      "message refused for good",
    );
  }
}
