import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Attributes, Meter, MetricOptions } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { RuntimeNodeInstrumentation } from "@opentelemetry/instrumentation-runtime-node";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { SomaError } from "@soma/base";
import { observeEventLoopWork } from "./event-loop-work.ts";

/** One measuring instrument of the process; services are told apart by attributes. */
export interface Instrument {
  record(value: number, attributes: Attributes): void;
}

class ScrapeReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

// One meter a process: several services share a scrape, where a metric family may stand only once.
let shared: { meter: Meter; reader: ScrapeReader } | undefined;
const instruments = new Map<string, { kind: string; instrument: Instrument }>();

function open(): { meter: Meter; reader: ScrapeReader } {
  if (shared === undefined) {
    const reader = new ScrapeReader();
    const provider = new MeterProvider({ readers: [reader] });
    // Event loop delay, garbage collection and heap of the process: how long a main thread was blocked.
    new RuntimeNodeInstrumentation().setMeterProvider(provider);
    const meter = provider.getMeter("soma");
    observeEventLoopWork(meter);
    shared = { meter, reader };
  }
  return shared;
}

/** The process's instrument of this name. @throws SomaError METRIC_INVALID if it is of another kind. */
export function sharedInstrument(
  kind: "counter" | "gauge" | "histogram",
  name: string,
  options: MetricOptions,
): Instrument {
  const known = instruments.get(name);
  if (known !== undefined) {
    if (known.kind !== kind) throw new SomaError("METRIC_INVALID", `${name} is a ${known.kind} elsewhere`);
    return known.instrument;
  }
  const instrument = create(kind, name, options);
  instruments.set(name, { kind, instrument });
  return instrument;
}

/** Sets of attributes of one instrument, within the library's own bound; what is more is not told apart. */
const MAX_SERIES = 1_000;
const OVERFLOW: Attributes = { "otel.metric.overflow": true };

function create(kind: "counter" | "gauge" | "histogram", name: string, options: MetricOptions): Instrument {
  const { meter } = open();
  if (kind === "histogram") return meter.createHistogram(name, options);
  const series = new Map<string, { readonly attributes: Attributes; value: number }>();
  // Counted here and read at a scrape: for each record the library would sort the attributes and write them as JSON.
  const observed =
    kind === "counter"
      ? meter.createObservableCounter(name, options)
      : meter.createObservableGauge(name, options);
  observed.addCallback((result) => {
    // Two places may give the same attributes in two orders.
    const sums = new Map<string, { readonly attributes: Attributes; value: number }>();
    for (const { attributes, value } of series.values()) {
      const id = JSON.stringify(Object.entries(attributes).sort());
      const before = kind === "counter" ? (sums.get(id)?.value ?? 0) : 0;
      sums.set(id, { attributes, value: before + value });
    }
    for (const { attributes, value } of sums.values()) result.observe(value, attributes);
  });
  const seriesOf = (given: Attributes) => {
    const key = keyOf(given);
    const known = series.get(key);
    if (known !== undefined) return known;
    if (series.size >= MAX_SERIES && given !== OVERFLOW) return seriesOf(OVERFLOW);
    const fresh = { attributes: given, value: 0 };
    series.set(key, fresh);
    return fresh;
  };
  return {
    record(value, attributes) {
      const one = seriesOf(attributes);
      one.value = kind === "counter" ? one.value + value : value;
    },
  };
}

/** Of attributes that one place in the code gives in one order. */
function keyOf(attributes: Attributes): string {
  let key = "";
  for (const name in attributes) key += `${name}=${String(attributes[name])}\n`;
  return key;
}

/** Everything measured so far in this process, as Prometheus text. */
export async function scrape(): Promise<string> {
  const { resourceMetrics } = await open().reader.collect();
  return new PrometheusSerializer("", false, undefined, true, true).serialize(resourceMetrics);
}

/** The `/metrics` endpoint of a process. */
export class MetricsEndpoint {
  readonly #server: Server;
  readonly port: number;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Listens on `port` (0 picks a free one). */
  static async open(options: { port: number; host?: string }): Promise<MetricsEndpoint> {
    const server = createServer((request, response) => {
      if (request.method !== "GET" || request.url !== "/metrics") {
        response.writeHead(404).end();
        return;
      }
      scrape().then(
        (text) =>
          response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port, options.host ?? "0.0.0.0", resolve);
    });
    return new MetricsEndpoint(server);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
