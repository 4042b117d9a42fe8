import { SomaError, toHex } from "@soma/base";
import { GetEmbeddings, GetJob, GetShard, SearchPool, SendToPeer } from "@soma/contracts";
import { decodeJobMessage } from "@soma/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { ASKED, type GatewayContext, taken } from "./context.ts";
import { hash, read, wait, waiting, whole } from "./parameters.ts";

/** Routes of embedding jobs: their state, their messages, and the pool of results. */
export function jobRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { bus, config, mailbox, news } = context;

  app.get("/v1/jobs/:job", async (request, reply) => {
    const { job } = read(z.object({ job: hash }), request.params);
    const found = taken(await bus.request(GetJob, {}, { job }, ASKED));
    return reply.type("application/json").send(Buffer.from(GetJob.reply.encode(found)));
  });

  app.get("/v1/jobs/:job/shard", async (request, reply) => {
    const { job } = read(z.object({ job: hash }), request.params);
    const { attempt } = read(z.object({ attempt: z.coerce.number().int().min(0).default(0) }), request.query);
    const found = taken(await bus.request(GetShard, {}, { job, attempt }, ASKED));
    return reply.type("application/json").send(Buffer.from(GetShard.reply.encode(found)));
  });

  // The submitter's messages to seat holders. Relayed as they are: what they say is signed by the session key.
  app.post("/v1/jobs/:job/messages", async (request, reply) => {
    const { job } = read(z.object({ job: hash }), request.params);
    const { recipient } = read(z.object({ recipient: hash }), request.query);
    if (!Buffer.isBuffer(request.body)) throw new SomaError("GATEWAY_MALFORMED", "send the message's bytes");
    const message = taken(decodeJobMessage(request.body));
    if (message.job !== job || message.mailbox !== context.validator) {
      throw new SomaError(
        "GATEWAY_MALFORMED",
        `a message of job ${job} with mailbox ${context.validator} is expected`,
      );
    }
    await bus.publish(SendToPeer, { type: "job-message" }, { recipient, body: request.body });
    return reply.status(202).send({ relayed: true });
  });

  app.get("/v1/jobs/:job/messages", async (request, reply) => {
    const { job } = read(z.object({ job: hash }), request.params);
    const query = read(z.object({ after: whole.default("0"), wait }), request.query);
    const found = await news.until(`job ${job}`, waiting(reply, query.wait, config.maxWait), async () => {
      const messages = await mailbox.after(job, BigInt(query.after));
      return messages.length > 0 ? messages : undefined;
    });
    const messages = (found ?? []).map(({ cursor, message }) => ({ cursor, message: toHex(message) }));
    return reply.send({ messages });
  });

  app.get("/v1/embeddings/:job", async (request, reply) => {
    const { job } = read(z.object({ job: hash }), request.params);
    const bytes = taken(await bus.request(GetEmbeddings, {}, { job }, ASKED));
    if (bytes.length === 0)
      throw new SomaError("GATEWAY_EMBEDDINGS_NOT_FOUND", `job ${job} recorded no vectors`);
    return reply.type("application/octet-stream").send(Buffer.from(bytes));
  });

  app.post("/v1/search", async (request, reply) => {
    const query = taken(SearchPool.decode(Buffer.from(JSON.stringify(request.body ?? null))));
    const found = taken(await bus.request(SearchPool, {}, query, ASKED));
    return reply.type("application/json").send(Buffer.from(SearchPool.reply.encode(found)));
  });
}
