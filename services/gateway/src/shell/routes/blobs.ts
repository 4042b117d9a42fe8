import { SomaError } from "@soma/base";
import { z } from "zod";
import { hash } from "../parameters.ts";
import { defineRoute, OCTETS, type Route } from "../route.ts";

const tag = "blobs";
const params = z.object({ hash });

/** Blobs by SHA-256, streamed both ways. */
export const BLOB_ROUTES: readonly Route[] = [
  defineRoute({
    id: "putBlob",
    method: "PUT",
    url: "/v1/blobs/:hash",
    tag,
    summary: "Puts a blob under its SHA-256",
    description:
      "It is visible once it is whole and its hash is right. A blob to which no job refers expires soon, and counts " +
      "against whoever put it until then.",
    params,
    body: {
      type: OCTETS,
      schema: z.any(),
      maxBytes: ({ blobBytes }) => blobBytes,
      isStream: true,
    },
    answers: {
      200: { doc: "It was here already.", json: z.object({ hash }) },
      201: { doc: "It is here now.", json: z.object({ hash }) },
    },
    codes: [
      "GATEWAY_LENGTH_REQUIRED",
      "GATEWAY_BLOB_TOO_LARGE",
      "GATEWAY_BLOB_HASH",
      "GATEWAY_QUOTA_BLOB_BYTES",
      "GATEWAY_QUOTA_UNCLAIMED",
      "GATEWAY_BUSY",
    ],
    handle: async ({ context: { blobs, claims, config, metrics, quotas }, params, request, reply }) => {
      const client = quotas.clientOf(request.ip);
      const here = await blobs.sizeOf(params.hash);
      if (here !== undefined) {
        // Before the file, so that none outlives what is counted.
        await claims.renew(params.hash, client, here);
        if (await blobs.renew(params.hash)) {
          request.raw.resume();
          return reply.status(200).send({ hash: params.hash });
        }
      }
      const length = request.headers["content-length"];
      if (length === undefined) throw new SomaError("GATEWAY_LENGTH_REQUIRED", "send a Content-Length");
      const size = Number(length);
      if (size > config.blobBytes) {
        throw new SomaError("GATEWAY_BLOB_TOO_LARGE", `a blob has at most ${config.blobBytes} bytes`);
      }
      await quotas.take("blobBytes", client, size);
      const release = await claims.reserve(client, size);
      try {
        const isNew = await blobs.put(params.hash, request.raw);
        if (isNew) await claims.put(params.hash, client, size);
        metrics.blobBytes.add(size, { direction: "in" });
        return reply.status(isNew ? 201 : 200).send({ hash: params.hash });
      } finally {
        release();
      }
    },
  }),
  defineRoute({
    id: "getBlob",
    method: "GET",
    url: "/v1/blobs/:hash",
    tag,
    summary: "A blob by its SHA-256",
    params,
    answers: { 200: { doc: "The bytes: hash them.", type: OCTETS } },
    codes: ["GATEWAY_BLOB_NOT_FOUND"],
    handle: async ({ context: { blobs, metrics }, params, reply }) => {
      const found = await blobs.read(params.hash);
      if (found === undefined) {
        throw new SomaError("GATEWAY_BLOB_NOT_FOUND", `no blob ${params.hash} here; ask another gateway`);
      }
      const { size, stream } = found;
      metrics.blobBytes.add(size, { direction: "out" });
      return reply
        .type(OCTETS)
        .header("content-length", size)
        .header("cache-control", "public, immutable, max-age=31536000")
        .send(stream);
    },
  }),
];
