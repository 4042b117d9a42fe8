import {
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { TracerProvider } from "@opentelemetry/sdk-trace";
import { SomaError } from "@soma/base";
import { type Logger, type LogLevel, type LogSink, openLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { entryContext } from "./root-sampler.ts";
import {
  type ActiveSpan,
  formatTraceparent,
  openTracerProvider,
  parseTraceparent,
  ROLES,
  type SpanOptions,
} from "./trace.ts";

export interface TelemetryOptions {
  readonly service: string;
  readonly operator: string;
  /** OTLP/HTTP collector, as `http://127.0.0.1:4318`. Without it nothing is traced. */
  readonly otlpEndpoint?: string | undefined;
  /** Share of new traces that are kept, default 1. A trace begun in the same operator keeps its sender's choice. */
  readonly traceRatio?: number;
  /** The same for what is no entry (`SpanOptions.isEntry`), default `traceRatio`. */
  readonly traceBackgroundRatio?: number;
  /** Whether metrics are recorded (when something will scrape them). */
  readonly metrics?: boolean;
  readonly logLevel?: LogLevel;
  readonly logSink?: LogSink;
}

/** A batching exporter with a dead collector takes up to ten seconds to shut down; nobody waits that long. */
const CLOSE_WITHIN_MS = 2500;

/** Traces, metrics and the log of one service of one operator; silent unless configured. */
export class Telemetry {
  readonly service: string;
  readonly operator: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly #provider: TracerProvider | undefined;
  readonly #tracer: Tracer | undefined;

  private constructor(options: TelemetryOptions) {
    const { service, operator } = options;
    this.service = service;
    this.operator = operator;
    this.log = openLog(service, operator, options.logLevel ?? "silent", options.logSink);
    this.metrics = new Metrics({ service, operator, enabled: options.metrics ?? false });
    if (options.otlpEndpoint !== undefined) {
      this.#provider = openTracerProvider({
        service,
        operator,
        endpoint: options.otlpEndpoint,
        ratio: options.traceRatio ?? 1,
        backgroundRatio: options.traceBackgroundRatio ?? options.traceRatio ?? 1,
      });
      this.#tracer = this.#provider.getTracer("soma");
    }
  }

  static open(options: TelemetryOptions): Telemetry {
    return new Telemetry(options);
  }

  /** Nothing leaves and nothing is recorded. */
  static silent(service = "test", operator = "test"): Telemetry {
    return new Telemetry({ service, operator });
  }

  /** Whether spans are made at all; lets a hot path skip building attributes. */
  get traces(): boolean {
    return this.#tracer !== undefined;
  }

  /**
   * Runs `fn` inside a span and ends the span when it returns or its promise settles. What is thrown marks the
   * span as failed with its code and is thrown on.
   */
  withSpan<T>(name: string, options: SpanOptions, fn: (span: ActiveSpan) => T): T {
    if (this.#tracer === undefined) return fn(NO_SPAN);
    const parent = parentContext(options.parent);
    const links: Link[] = [];
    for (const text of options.links ?? []) {
      const linked = parseTraceparent(text);
      if (linked !== undefined) links.push({ context: linked });
    }
    const span = this.#tracer.startSpan(
      name,
      { kind: ROLES[options.role ?? "internal"], attributes: options.attributes ?? {}, links },
      options.isEntry === true ? entryContext(parent) : parent,
    );
    return runIn(this.#tracer, span, parent, fn);
  }

  /** Sends what is queued, within 2.5 s. */
  async close(): Promise<void> {
    if (this.#provider === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_WITHIN_MS);
    });
    const shut = this.#provider.shutdown().catch((error: unknown) => {
      this.log.warn({ error: String(error) }, "spans were not delivered");
    });
    await Promise.race([shut, late]);
    clearTimeout(timer);
  }
}

function parentContext(parent: SpanOptions["parent"]): Context {
  if (parent === undefined) return context.active();
  const remote = parseTraceparent(parent);
  return remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
}

function runIn<T>(tracer: Tracer, span: Span, parent: Context, fn: (span: ActiveSpan) => T): T {
  const within = trace.setSpan(parent, span);
  const active: ActiveSpan = {
    traceparent: formatTraceparent(span.spanContext()),
    set: (attributes) => void span.setAttributes(attributes),
    event: (name, attributes) => void span.addEvent(name, attributes),
    fail: (code) => void span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code),
    past: (name, fromMs, toMs, attributes) =>
      tracer.startSpan(name, { startTime: fromMs, attributes: attributes ?? {} }, within).end(toMs),
  };
  const failed = (error: unknown): never => {
    active.fail(error instanceof SomaError ? error.code : error instanceof Error ? error.name : "unknown");
    span.end();
    throw error;
  };
  let result: T;
  try {
    result = context.with(within, () => fn(active));
  } catch (error) {
    return failed(error);
  }
  if (result instanceof Promise) {
    return result.then((value) => {
      span.end();
      return value;
    }, failed) as T;
  }
  span.end();
  return result;
}

const NO_SPAN: ActiveSpan = {
  traceparent: undefined,
  set() {},
  event() {},
  fail() {},
  past() {},
};
