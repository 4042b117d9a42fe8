import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as OTLP/HTTP brought it. */
export interface CollectedSpan {
  readonly service: string;
  readonly operator: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
}

interface WireAttribute {
  key: string;
  value: Record<string, unknown>;
}

/** An OTLP/HTTP collector in the test's process that keeps every span it gets. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<TraceCollector> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        collector.#take(JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
    const collector = new TraceCollector(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  /** For `SOMA_OTLP_ENDPOINT`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Spans of this name. */
  named(name: string): readonly CollectedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  // biome-ignore lint/suspicious/noExplicitAny: the wire format of OTLP, read field by field.
  #take(body: any): void {
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const about = attributes(resource.attributes);
      for (const scope of scopeSpans)
        for (const span of scope.spans)
          this.spans.push({
            service: String(about["service.name"]),
            operator: String(about["service.namespace"]),
            name: span.name,
            traceId: span.traceId,
            spanId: span.spanId,
            parentSpanId: span.parentSpanId === "" ? undefined : span.parentSpanId,
            links: (span.links ?? []).map((link: { traceId: string; spanId: string }) => ({
              traceId: link.traceId,
              spanId: link.spanId,
            })),
            attributes: attributes(span.attributes),
            failed: span.status?.code === 2,
          });
    }
  }
}

function attributes(list: readonly WireAttribute[] = []): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));
}
