import { AdmitPeer } from "@soma/contracts";
import type { FastifyInstance } from "fastify";
import { type GatewayContext, taken } from "./context.ts";

/** The door of the edge: a peer proves its key of the roster and gets a credential. Peering decides; this passes on. */
export function edgeRoutes(app: FastifyInstance, { bus }: GatewayContext): void {
  app.post("/v1/edge/admissions", { bodyLimit: 4_096 }, async (request, reply) => {
    const asked = taken(AdmitPeer.decode(Buffer.from(JSON.stringify(request.body ?? null))));
    const admitted = taken(await bus.request(AdmitPeer, {}, asked));
    return reply
      .status(201)
      .type("application/json")
      .send(Buffer.from(AdmitPeer.reply.encode(admitted)));
  });
}
