import { type Attributes, context, type SpanContext, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { parseTraceParent } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** The W3C `traceparent` of a span: how a trace context travels in a header or a row. */
export type Traceparent = string;

export type SpanRole = "internal" | "producer" | "consumer" | "client" | "server";

export interface SpanOptions {
  readonly role?: SpanRole;
  readonly attributes?: Attributes;
  /** The span that this one is part of; default the active one. `null` begins a new trace. */
  readonly parent?: Traceparent | undefined | null;
  /** Spans that led to this one without owning it: a batch's items, another operator's message. */
  readonly links?: readonly (Traceparent | undefined)[];
}

/** What may be said of a span from within. */
export interface ActiveSpan {
  readonly traceparent: Traceparent | undefined;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** Marks the span as failed with a stable code. */
  fail(code: string): void;
}

export const ROLES: Readonly<Record<SpanRole, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
};

/** The span context of a `traceparent`, or undefined for text that is none. Never throws. */
export function parseTraceparent(text: Traceparent | undefined | null): SpanContext | undefined {
  if (text === undefined || text === null || text.length > 128) return undefined;
  const parsed = parseTraceParent(text);
  return parsed === null ? undefined : { ...parsed, isRemote: true };
}

export function formatTraceparent(span: SpanContext): Traceparent {
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, "0")}`;
}

/** The active span's context, to be put in a header; undefined where nothing is traced. */
export function activeTraceparent(): Traceparent | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? undefined : formatTraceparent(span);
}

let hasContextManager = false;

/** A tracer provider of one service: several live in one process, each with its own `service.name`. */
export function openTracerProvider(options: {
  service: string;
  operator: string;
  endpoint: string;
  ratio: number;
}): TracerProvider {
  if (!hasContextManager) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    hasContextManager = true;
  }
  return new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": options.service,
      "service.namespace": options.operator,
      "service.instance.id": `${options.operator}-${options.service}-${process.pid}`,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({
          url: `${options.endpoint.replace(/\/$/, "")}/v1/traces`,
          timeoutMillis: 2000,
        }),
        scheduledDelayMillis: 1000,
        exportTimeoutMillis: 2000,
        maxQueueSize: 16_384,
      }),
    ],
  });
}
