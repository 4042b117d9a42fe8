import Fastify from "fastify";
import { mountRoutes } from "./mount.ts";
import { ROUTES } from "./routes/all.ts";

/** The OpenAPI document of the interface, as a running gateway serves it. */
export async function openApiDocument(): Promise<object> {
  const app = Fastify();
  await mountRoutes(app, ROUTES, undefined);
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}
