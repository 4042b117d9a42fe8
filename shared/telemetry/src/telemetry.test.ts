import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  activeTraceparent,
  MetricsEndpoint,
  outsideSpans,
  sampledTraceparent,
  Telemetry,
  within,
} from "./index.ts";

interface WireSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  status: { code?: number };
  links?: { traceId: string; spanId: string }[];
  service: string;
}

/** A collector that keeps what OTLP/HTTP (JSON) brings. */
class Collector {
  readonly spans: WireSpan[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const body = JSON.parse(Buffer.concat(parts).toString());
        for (const resource of body.resourceSpans) {
          const service = resource.resource.attributes.find((a: { key: string }) => a.key === "service.name")
            .value.stringValue;
          for (const scope of resource.scopeSpans)
            for (const span of scope.spans) this.spans.push({ ...span, service });
        }
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  static async open(): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => collector.#server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  span(name: string): WireSpan {
    const found = this.spans.find((span) => span.name === name);
    if (found === undefined) throw new Error(`no span ${name} among ${this.spans.map((s) => s.name)}`);
    return found;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const resource of closing.splice(0).reverse()) await resource.close();
});
function use<T extends { close(): Promise<void> }>(resource: T): T {
  closing.push(resource);
  return resource;
}

describe("spans", () => {
  test("of two services in one process keep their own service name, parent and links", async () => {
    const collector = use(await Collector.open());
    const mempool = Telemetry.open({ service: "mempool", operator: "a", otlpEndpoint: collector.url });
    const state = Telemetry.open({ service: "state", operator: "a", otlpEndpoint: collector.url });
    let carried: string | undefined;
    await mempool.withSpan("outer", {}, async (outer) => {
      await Promise.resolve();
      expect(activeTraceparent()).toBe(outer.traceparent);
      mempool.withSpan("inner", { role: "producer" }, () => {
        carried = activeTraceparent();
      });
    });
    state.withSpan("process", { role: "consumer", parent: carried }, () => {});
    state.withSpan("foreign", { parent: null, links: [carried, "nonsense", undefined] }, () => {});
    expect(() =>
      state.withSpan("broken", {}, () => {
        throw new TypeError("no");
      }),
    ).toThrow("no");
    await Promise.all([mempool.close(), state.close()]);

    const [outer, inner, process, foreign, broken] = ["outer", "inner", "process", "foreign", "broken"].map(
      (name) => collector.span(name),
    ) as [WireSpan, WireSpan, WireSpan, WireSpan, WireSpan];
    expect(inner.parentSpanId).toBe(outer.spanId);
    expect([process.parentSpanId, process.traceId]).toEqual([inner.spanId, outer.traceId]);
    expect([outer.service, process.service]).toEqual(["mempool", "state"]);
    expect(foreign.traceId).not.toBe(outer.traceId);
    expect(foreign.links?.map((link) => link.spanId)).toEqual([inner.spanId]);
    expect(broken.status.code).toBe(2);
  });

  test("that begin a trace are kept as entries, or by what is linked, and background at its own ratio", async () => {
    const collector = use(await Collector.open());
    const telemetry = Telemetry.open({
      service: "state",
      operator: "a",
      otlpEndpoint: collector.url,
      traceBackgroundRatio: 0,
    });
    const context = (flags: string) => `00-${"1".repeat(32)}-${"2".repeat(16)}-${flags}`;
    let polled: string | undefined;
    telemetry.withSpan("poll", {}, () => {
      polled = sampledTraceparent();
      telemetry.withSpan("part of a poll", {}, () => {});
    });
    telemetry.withSpan("for an unsampled one", { parent: null, links: [context("00")] }, () => {});
    telemetry.withSpan("for a sampled one", { parent: null, links: [context("01")] }, () => {});
    telemetry.withSpan("job", { isEntry: true }, (span) => {
      telemetry.withSpan("within", {}, () => {});
      outsideSpans(() => telemetry.withSpan("a loop that it began", {}, () => {}));
      span.past("timed", 1_000, 2_000);
      within(context("01"), () => telemetry.withSpan("of another", {}, () => {}));
      within(undefined, () => telemetry.withSpan("of none", {}, () => {}));
    });
    await telemetry.close();
    expect(polled).toBeUndefined();
    expect(collector.spans.map(({ name }) => name).sort()).toEqual([
      "for a sampled one",
      "job",
      "of another",
      "timed",
      "within",
    ]);
    expect(collector.span("timed").parentSpanId).toBe(collector.span("job").spanId);
    expect(collector.span("of another").parentSpanId).toBe("2".repeat(16));
  });

  test("of a ratio of 0 are kept for nobody, however sampled what is linked", async () => {
    const collector = use(await Collector.open());
    const telemetry = Telemetry.open({
      service: "state",
      operator: "a",
      otlpEndpoint: collector.url,
      traceRatio: 0,
    });
    const sampled = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
    telemetry.withSpan("entry", { isEntry: true, parent: null, links: [sampled] }, () => {});
    await telemetry.close();
    expect(collector.spans).toEqual([]);
  });

  test("are not made unless a collector is named", () => {
    const telemetry = Telemetry.silent();
    expect(telemetry.withSpan("x", {}, (span) => [span.traceparent, activeTraceparent()])).toEqual([
      undefined,
      undefined,
    ]);
    expect(telemetry.traces).toBe(false);
  });

  test("closing with a dead collector does not wait for ever", async () => {
    const telemetry = Telemetry.open({ service: "x", operator: "a", otlpEndpoint: "http://127.0.0.1:9" });
    telemetry.withSpan("lost", {}, () => {});
    const began = performance.now();
    await telemetry.close();
    expect(performance.now() - began).toBeLessThan(3500);
  });
});

describe("metrics", () => {
  test("of several services stand in one scrape, each family once", async () => {
    const endpoint = use(await MetricsEndpoint.open({ port: 0, host: "127.0.0.1" }));
    for (const service of ["mempool", "state"]) {
      const { metrics } = Telemetry.open({ service, operator: "a", metrics: true });
      metrics.counter("bus.messages", { unit: "{message}", doc: "Messages handled." }).add(2, { code: "OK" });
      metrics.histogram("bus.duration", { unit: "s", doc: "Time.", buckets: [0.1, 1] }).record(0.5);
      metrics.gauge("bus.depth", { unit: "{message}", doc: "Waiting." }).set(3);
      expect(() => metrics.gauge("bus.depth", { unit: "1", doc: "again" })).toThrow(/twice/);
      expect(() => metrics.gauge("Bad Name", { unit: "1", doc: "" })).toThrow(/bad metric name/);
    }
    const page = await (await fetch(`http://127.0.0.1:${endpoint.port}/metrics`)).text();
    expect(page.match(/# TYPE soma_bus_messages_total counter/g)).toHaveLength(1);
    expect(page).toMatch(/soma_bus_messages_total\{service="mempool",operator="a",code="OK"\} 2/);
    expect(page).toMatch(/soma_bus_messages_total\{service="state",operator="a",code="OK"\} 2/);
    expect(page).toMatch(/soma_bus_duration_bucket\{[^}]*service="state"[^}]*le="1"\} 1/);
    expect((await fetch(`http://127.0.0.1:${endpoint.port}/other`)).status).toBe(404);
  });
});

describe("the log", () => {
  test("is JSON with the service and, inside a span, its trace", async () => {
    const collector = use(await Collector.open());
    const lines: string[] = [];
    const telemetry = Telemetry.open({
      service: "state",
      operator: "a",
      otlpEndpoint: collector.url,
      logLevel: "info",
      logSink: { write: (line) => void lines.push(line) },
    });
    telemetry.log.info({ round: 7 }, "committed");
    telemetry.withSpan("x", {}, () => telemetry.log.warn("inside"));
    telemetry.log.debug("hidden");
    await telemetry.close();
    const [first, second, ...rest] = lines.map((line) => JSON.parse(line));
    expect(rest).toEqual([]);
    expect(first).toMatchObject({
      level: "info",
      service: "state",
      operator: "a",
      round: 7,
      msg: "committed",
    });
    expect(first.trace_id).toBeUndefined();
    expect(second.trace_id).toBe(collector.span("x").traceId);
  });
});
