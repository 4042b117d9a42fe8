import { SomaError } from "@soma/base";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { GatewayContext } from "./context.ts";
import { hash, read } from "./parameters.ts";

/** Blobs by SHA-256, streamed both ways. A scope of its own: here nobody reads the body before the route does. */
export async function blobRoutes(app: FastifyInstance, context: GatewayContext): Promise<void> {
  const { blobs, metrics } = context;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

  app.put("/v1/blobs/:hash", { bodyLimit: context.config.blobBytes }, async (request, reply) => {
    const { hash: name } = read(z.object({ hash }), request.params);
    const isNew = await blobs.put(name, request.raw);
    metrics.blobBytes.add(Number(request.headers["content-length"] ?? 0), { direction: "in" });
    return reply.status(isNew ? 201 : 200).send({ hash: name });
  });

  app.get("/v1/blobs/:hash", async (request, reply) => {
    const { hash: name } = read(z.object({ hash }), request.params);
    const found = await blobs.read(name);
    if (found === undefined) throw new SomaError("GATEWAY_BLOB_NOT_FOUND", `no blob ${name} here`);
    const { size, stream } = found;
    metrics.blobBytes.add(size, { direction: "out" });
    return reply
      .type("application/octet-stream")
      .header("content-length", size)
      .header("cache-control", "public, immutable, max-age=31536000")
      .send(stream);
  });
}
