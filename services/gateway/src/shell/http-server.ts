import { MAX_TRANSACTION_BYTES } from "@soma/protocol";
import type { Telemetry } from "@soma/telemetry";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { answerClientError } from "./client-error.ts";
import type { GatewayContext } from "./context.ts";
import { spanRequests } from "./http-spans.ts";
import { mountRoutes } from "./mount.ts";
import { Problems } from "./problem.ts";
import { ROUTES } from "./routes/all.ts";
import { answerUnknownRoute } from "./unknown-route.ts";

const IDLE_MS = 60_000;
/** In which the headers of a request must have arrived, at most. */
const HEADERS_MS = 60_000;
/** How often late requests are looked for, at least. */
const CHECK_MS = 5_000;

/** The HTTP interface, listening. Refusals are RFC 9457 problems with a stable code. */
export async function openHttpServer(
  context: GatewayContext,
  telemetry: Telemetry,
): Promise<FastifyInstance> {
  const { config, metrics, quotas } = context;
  const problems = new Problems(telemetry, metrics);
  const app = Fastify({
    bodyLimit: MAX_TRANSACTION_BYTES + 1024,
    forceCloseConnections: true,
    requestTimeout: config.requestTimeout,
    http: {
      // Node exchanges the two when the one for the headers is the longer, and looks only so often.
      headersTimeout: Math.min(config.requestTimeout, HEADERS_MS),
      connectionsCheckingInterval: Math.ceil(Math.min(config.requestTimeout / 4, CHECK_MS)),
    },
    clientErrorHandler: answerClientError(metrics),
    // A connection on which nothing moves, such as a blob that nobody reads on; longer than any wait for news.
    connectionTimeout: Math.max(config.maxWait, config.eventHeartbeat) + IDLE_MS,
    trustProxy: config.trustProxy.length === 0 ? false : config.trustProxy,
    frameworkErrors: (error, _request, reply) => void problems.answer(error, reply as FastifyReply),
  });
  app.server.maxConnections = config.maxConnections;
  spanRequests(app, telemetry, config.clientTraces);
  app.addHook("onRequest", (request) => quotas.take("requests", quotas.clientOf(request.ip)));
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unmatched";
    metrics.requests.record(reply.elapsedTime / 1000, { route, status: String(reply.statusCode) });
  });
  app.setErrorHandler((error, _request, reply) => problems.answer(error, reply));
  app.setNotFoundHandler(answerUnknownRoute(ROUTES, problems));
  await mountRoutes(app, ROUTES, context);
  await app.listen({ host: config.host, port: config.port });
  return app;
}
