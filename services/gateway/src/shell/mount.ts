import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { GatewayContext } from "./context.ts";
import { LedgerQuestions } from "./ledger-questions.ts";
import { documentRoutes, schemaOf } from "./openapi.ts";
import { OCTETS, type Route } from "./route.ts";

/** Serves routes by their own schemas, and documents them. Without a context they are documented alone. */
export async function mountRoutes(
  app: FastifyInstance,
  routes: readonly Route[],
  context: GatewayContext | undefined,
): Promise<void> {
  app.setValidatorCompiler(validatorCompiler as never);
  app.setSerializerCompiler(serializerCompiler as never);
  await documentRoutes(app);
  app.addContentTypeParser(OCTETS, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  for (const route of routes) if (route.body?.isStream !== true) mount(app, route, context);
  // A scope of its own: here nobody reads the body before the route does.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    for (const route of routes) if (route.body?.isStream === true) mount(scope, route, context);
  });
}

function mount(app: FastifyInstance, route: Route, context: GatewayContext | undefined): void {
  const { method, url, body } = route;
  app.route({
    method,
    url,
    schema: schemaOf(route),
    // The answers of HEAD are those of GET, but nobody waits for a stream of them.
    ...(method === "GET" ? { exposeHeadRoute: !isEndless(route) } : {}),
    ...(body?.maxBytes === undefined || context === undefined
      ? {}
      : { bodyLimit: body.maxBytes(context.config) }),
    handler: (request, reply) => {
      if (context === undefined) throw new TypeError("this app only documents its routes");
      return route.handle({
        context,
        ledger: new LedgerQuestions(context.bus, request, reply),
        params: request.params as never,
        query: request.query as never,
        body: request.body as never,
        request,
        reply,
      });
    },
  });
}

function isEndless(route: Route): boolean {
  return Object.values(route.answers).some(({ type }) => type === "text/event-stream");
}
