export { TelemetryConfig } from "./config.ts";
export type { Logger, LogLevel, LogSink } from "./log.ts";
export { MetricsEndpoint, scrape } from "./meter.ts";
export type {
  Counter,
  Gauge,
  Histogram,
  HistogramSpec,
  MetricAttributes,
  MetricSpec,
  Metrics,
} from "./metrics.ts";
export { Telemetry, type TelemetryOptions } from "./telemetry.ts";
export {
  type ActiveSpan,
  activeTraceparent,
  outsideSpans,
  type SpanOptions,
  type SpanRole,
  sampledTraceparent,
  type Traceparent,
  within,
} from "./trace.ts";
export { decodeTraces, encodeTraces, TraceBook } from "./trace-book.ts";
