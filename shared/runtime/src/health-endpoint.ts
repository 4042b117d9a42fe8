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

  /** `hosts` is asked at each request, so that the endpoint can be there before the services are. */
  static async open(options: {
    port: number;
    hosts: () => readonly ServiceHost[] | undefined;
  }): Promise<HealthEndpoint> {
    const server = createServer((request, response) => {
      const hosts = options.hosts();
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (request.url === "/livez") {
        const stalledMs = Math.max(0, ...(hosts ?? []).map((host) => host.stalledMs));
        answer(stalledMs < STALLED_AFTER_MS ? 200 : 503, { stalledMs });
      } else if (request.url === "/readyz") {
        const health = healthOf(hosts ?? []);
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

/** Of all services; by operator too, where the process has several. */
function healthOf(hosts: readonly ServiceHost[]): ReturnType<ServiceHost["health"]> {
  const all = hosts.map((host) => ({ ...host.health(), operator: host.operator }));
  const named = all.flatMap(({ operator, services }) =>
    Object.entries(services).map(([name, detail]) => [
      all.length === 1 ? name : `${operator}/${name}`,
      detail,
    ]),
  );
  return { ok: all.length > 0 && all.every(({ ok }) => ok), services: Object.fromEntries(named) };
}
