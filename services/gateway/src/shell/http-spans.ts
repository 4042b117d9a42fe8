import { SomaError } from "@soma/base";
import type { Telemetry } from "@soma/telemetry";
import type { FastifyInstance, RouteHandlerMethod } from "fastify";
import { statusOf } from "../core/index.ts";

/**
 * Handles each request in a span. Clients and other operators are outside: their context is linked and begins no
 * trace of ours, so that nobody outside chooses what we keep. Where only the operator's own programs reach the
 * gateway, `parent` may be configured. Reads without a sampled context have no span: they are polls, and measured.
 */
export function spanRequests(
  app: FastifyInstance,
  telemetry: Telemetry,
  clientTraces: "link" | "parent",
): void {
  if (!telemetry.traces) return;
  app.addHook("onRoute", (route) => {
    const handler = route.handler as RouteHandlerMethod;
    route.handler = async function (request, reply) {
      const header = request.headers["traceparent"];
      const theirs = typeof header === "string" ? header : undefined;
      const isRead = request.method === "GET" || request.method === "HEAD";
      if (isRead && theirs?.endsWith("-01") !== true) return handler.call(this, request, reply);
      const name = `${request.method} ${route.url}`;
      const { job } = request.params as { readonly job?: string };
      const attributes = {
        "http.request.method": request.method,
        "http.route": route.url,
        ...(job === undefined ? {} : { "soma.job": job.slice(0, 64) }),
      };
      const from =
        clientTraces === "parent" && theirs !== undefined
          ? { parent: theirs }
          : { parent: null, links: [theirs], isEntry: true };
      let refusal: SomaError | undefined;
      const result = await telemetry.withSpan(name, { role: "server", attributes, ...from }, async (span) => {
        try {
          const answer = await handler.call(this, request, reply);
          span.set({ "http.response.status_code": reply.statusCode });
          return answer;
        } catch (error) {
          if (!(error instanceof SomaError)) throw error;
          // The caller's doing is no failure of ours.
          const { status } = statusOf(error.code);
          span.set({ "http.response.status_code": status, "error.type": error.code });
          if (status >= 500) span.fail(error.code);
          refusal = error;
          return undefined;
        }
      });
      if (refusal !== undefined) throw refusal;
      return result;
    };
  });
}
