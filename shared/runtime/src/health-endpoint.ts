import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceHost } from "./service-host.ts";

/** Handlers at work for this long without one ending: the process is stuck and should be replaced. */
const STALLED_AFTER_MS = 300_000;

/** `/livez`: the process makes progress. `/readyz`: every service is ready and well. */
export class HealthEndpoint {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `host` is asked at each request, so that the endpoint can be there before the services are. */
  static async open(options: { port: number; host: () => ServiceHost | undefined }): Promise<HealthEndpoint> {
    const server = createServer((request, response) => {
      const host = options.host();
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (request.url === "/livez") {
        const stalledMs = host?.stalledMs ?? 0;
        answer(stalledMs < STALLED_AFTER_MS ? 200 : 503, { stalledMs });
      } else if (request.url === "/readyz") {
        const health = host?.health() ?? { ok: false, services: {} };
        answer(health.ok ? 200 : 503, health);
      } else answer(404, {});
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port, resolve);
    });
    return new HealthEndpoint(server);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
