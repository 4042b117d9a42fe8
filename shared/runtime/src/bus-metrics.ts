import type { Counter, Gauge, Histogram, Telemetry } from "@soma/telemetry";

/** What every bus of a service measures. */
export interface BusMetrics {
  readonly published: Counter;
  readonly handled: Counter;
  readonly dropped: Counter;
  readonly process: Histogram;
  readonly request: Histogram;
  readonly inFlight: Gauge;
}

const byTelemetry = new WeakMap<Telemetry, BusMetrics>();

/** One set a service, however many connections it opens. */
export function busMetrics(telemetry: Telemetry): BusMetrics {
  let metrics = byTelemetry.get(telemetry);
  if (metrics === undefined) {
    const m = telemetry.metrics;
    metrics = {
      published: m.counter("bus.published", { unit: "{message}", doc: "Messages sent, by message." }),
      handled: m.counter("bus.handled", {
        unit: "{message}",
        doc: "Messages handled, by message and verdict.",
      }),
      dropped: m.counter("bus.dropped", {
        unit: "{message}",
        doc: "Core messages dropped, by message and code.",
      }),
      process: m.histogram("bus.process_seconds", { unit: "s", doc: "Time in a handler, by message." }),
      request: m.histogram("bus.request_seconds", {
        unit: "s",
        doc: "Time until the answer, by message and code.",
      }),
      inFlight: m.gauge("bus.in_flight", {
        unit: "{message}",
        doc: "Stream messages in handlers, by consumer.",
      }),
    };
    byTelemetry.set(telemetry, metrics);
  }
  return metrics;
}
