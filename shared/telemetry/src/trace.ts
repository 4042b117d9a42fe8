import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { parseTraceParent } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { RootSampler } from "./root-sampler.ts";

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
  /**
   * A trace that begins here is one that people look for: a request, a job. What begins otherwise, unless something
   * sampled led to it, is background and kept at a ratio of its own.
   */
  readonly isEntry?: boolean;
}

/** What may be said of a span from within. */
export interface ActiveSpan {
  readonly traceparent: Traceparent | undefined;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** Marks the span as failed with a stable code. */
  fail(code: string): void;
  /** Adds a child that is over already, as timed on another thread. Milliseconds since the Unix epoch. */
  past(name: string, fromMs: number, toMs: number, attributes?: Attributes): void;
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

/** `activeTraceparent`, but undefined for a trace that is not kept: for what is remembered on its account. */
export function sampledTraceparent(): Traceparent | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined || !isSampled(span) ? undefined : formatTraceparent(span);
}

/** Runs what outlives the active span, as a loop, so that what it does later is not counted to that span. */
export function outsideSpans<T>(fn: () => T): T {
  return context.with(ROOT_CONTEXT, fn);
}

/** Runs what belongs to a span that is over or elsewhere; outside spans if there is none. */
export function within<T>(traceparent: Traceparent | undefined, fn: () => T): T {
  const span = parseTraceparent(traceparent);
  return context.with(span === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, span), fn);
}

export function isSampled(span: SpanContext): boolean {
  return (span.traceFlags & TraceFlags.SAMPLED) !== 0;
}

let hasContextManager = false;

/** A tracer provider of one service: several live in one process, each with its own `service.name`. */
export function openTracerProvider(options: {
  service: string;
  operator: string;
  endpoint: string;
  ratio: number;
  backgroundRatio: number;
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
    sampler: new ParentBasedSampler({ root: new RootSampler(options) }),
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
