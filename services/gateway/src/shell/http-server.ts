import { SomaError } from "@soma/base";
import { MAX_TRANSACTION_BYTES } from "@soma/protocol";
import type { Telemetry } from "@soma/telemetry";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { statusOf } from "../core/index.ts";
import type { GatewayContext } from "./context.ts";
import { spanRequests } from "./http-spans.ts";
import { blobRoutes } from "./routes-blobs.ts";
import { edgeRoutes } from "./routes-edge.ts";
import { jobRoutes } from "./routes-jobs.ts";
import { ledgerRoutes } from "./routes-ledger.ts";

const IDLE_MS = 60_000;

/** The HTTP interface, listening. Refusals are RFC 9457 problems with a stable code. */
export async function openHttpServer(
  context: GatewayContext,
  telemetry: Telemetry,
): Promise<FastifyInstance> {
  const { config } = context;
  const answerFailure = (error: unknown, reply: FastifyReply) => {
    const failure = refusalOf(error, telemetry);
    if (failure.retryAfterSeconds !== undefined) reply.header("retry-after", failure.retryAfterSeconds);
    const { status, code, detail } = failure;
    return reply
      .status(status)
      .type("application/problem+json")
      .send({ type: `urn:soma:error:${code}`, title: code, status, code, detail });
  };
  const app = Fastify({
    bodyLimit: MAX_TRANSACTION_BYTES + 1024,
    forceCloseConnections: true,
    requestTimeout: config.requestTimeout,
    // A connection on which nothing moves, such as a blob that nobody reads on; longer than any wait for news.
    connectionTimeout: config.maxWait + IDLE_MS,
    frameworkErrors: (error, _request, reply) => void answerFailure(error, reply as FastifyReply),
  });
  app.server.maxConnections = config.maxConnections;
  spanRequests(app, telemetry, context.config.clientTraces);
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unmatched";
    context.metrics.requests.record(reply.elapsedTime / 1000, { route, status: String(reply.statusCode) });
  });
  app.setErrorHandler((error, _request, reply) => answerFailure(error, reply));
  app.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .type("application/problem+json")
      .send({
        type: "urn:soma:error:GATEWAY_ROUTE_NOT_FOUND",
        title: "GATEWAY_ROUTE_NOT_FOUND",
        status: 404,
        code: "GATEWAY_ROUTE_NOT_FOUND",
        detail: `no route ${request.method} ${request.url}`,
      }),
  );
  app.get("/v1/health", () => ({ ok: true, network: context.genesis.chainId, validator: context.validator }));
  ledgerRoutes(app, context);
  jobRoutes(app, context);
  edgeRoutes(app, context);
  await app.register((scope) => blobRoutes(scope, context));
  await app.listen({ host: config.host, port: config.port });
  return app;
}

function refusalOf(
  error: unknown,
  telemetry: Telemetry,
): { status: number; code: string; detail: string; retryAfterSeconds?: number } {
  if (error instanceof SomaError) return { ...statusOf(error.code), code: error.code, detail: error.message };
  const known = error as { statusCode?: number; code?: string; message?: string };
  if (known.statusCode === 413) {
    return { status: 413, code: "GATEWAY_BODY_TOO_LARGE", detail: known.message ?? "the body is too large" };
  }
  if (known.statusCode !== undefined && known.statusCode >= 400 && known.statusCode < 500) {
    return {
      status: known.statusCode,
      code: "GATEWAY_MALFORMED",
      detail: known.message ?? "malformed request",
    };
  }
  telemetry.log.error({ error: error instanceof Error ? error.stack : String(error) }, "a route failed");
  return { status: 500, code: "GATEWAY_FAILED", detail: "the gateway failed; its log says why" };
}
