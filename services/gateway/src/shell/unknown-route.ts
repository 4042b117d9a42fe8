import type { FastifyReply, FastifyRequest } from "fastify";
import { nearestRoutes, pathMatches } from "../core/index.ts";
import type { Problems } from "./problem.ts";
import type { Route } from "./route.ts";

const NEAREST = 3;
export const DOCUMENT_URL = "/v1/openapi.json";

/** What is answered where no route is: which methods the path has, or which routes are like it. */
export function answerUnknownRoute(
  routes: readonly Pick<Route, "method" | "url">[],
  problems: Problems,
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (request, reply) => {
    const path = request.url.split("?", 1)[0]!;
    const here = routes.filter(({ url }) => pathMatches(url, path));
    if (here.length > 0) {
      const allowed = [
        ...new Set(here.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]))),
      ];
      const allow = allowed.join(", ");
      const detail = `${path.slice(0, 256)} takes ${allow}, not ${request.method}`;
      return problems.send({ status: 405, code: "GATEWAY_METHOD", detail }, reply.header("allow", allow));
    }
    const nearest = nearestRoutes(routes, path, NEAREST).map(({ method, url }) => `${method} ${url}`);
    const detail = `no route ${request.method} ${path.slice(0, 256)}; the nearest are ${nearest.join(", ")}, all are in ${DOCUMENT_URL}`;
    const members = { nearest, document: DOCUMENT_URL };
    return problems.send({ status: 404, code: "GATEWAY_ROUTE_NOT_FOUND", detail, members }, reply);
  };
}
