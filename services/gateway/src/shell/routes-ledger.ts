import { SomaError } from "@soma/base";
import { bcs, encode } from "@soma/codec";
import {
  ConsensusStatus,
  GetAccount,
  GetCheckpoint,
  GetCommitLeaf,
  GetEpoch,
  GetHandovers,
  GetHead,
  GetLedgerUpdate,
  GetTransaction,
  ListOperators,
  ListPeers,
  ProvenLeafCodec,
  type RequestMessage,
  SubmitTransaction,
} from "@soma/contracts";
import { CertifiedCheckpointCodec, EpochHandoverCodec, EpochInfoCodec } from "@soma/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { ASKED, type GatewayContext, taken } from "./context.ts";
import { hash, read, wait, waiting, whole } from "./parameters.ts";

const OCTETS = "application/octet-stream";

/** Sends a JSON answer in the wire form of the message's own schema. */
function json<R>(reply: FastifyReply, message: RequestMessage<never, R, never>, value: R): FastifyReply {
  return reply.type("application/json").send(Buffer.from(message.reply.encode(value)));
}

/** Routes that read the ledger and hand in transactions. */
export function ledgerRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { bus, config, news } = context;

  app.get("/v1/genesis", (_request, reply) => reply.type(OCTETS).send(Buffer.from(context.genesisBytes)));

  app.get("/v1/head", async (_request, reply) =>
    json(reply, GetHead as never, taken(await bus.request(GetHead, {}, {}, ASKED))),
  );

  app.get("/v1/operators", async (_request, reply) =>
    json(reply, ListOperators as never, taken(await bus.request(ListOperators, {}, {}, ASKED))),
  );

  app.get("/v1/peers", async (_request, reply) =>
    json(reply, ListPeers as never, taken(await bus.request(ListPeers, {}, {}, ASKED))),
  );

  app.get("/v1/consensus", async (_request, reply) =>
    json(reply, ConsensusStatus as never, taken(await bus.request(ConsensusStatus, {}, {}, ASKED))),
  );

  app.get("/v1/accounts/:address", async (request, reply) => {
    const { address } = read(z.object({ address: hash }), request.params);
    return json(reply, GetAccount as never, taken(await bus.request(GetAccount, {}, { address }, ASKED)));
  });

  app.post("/v1/transactions", async (request, reply) => {
    if (!Buffer.isBuffer(request.body))
      throw new SomaError("GATEWAY_MALFORMED", `send the bytes as ${OCTETS}`);
    const answer = taken(await bus.request(SubmitTransaction, {}, request.body, ASKED));
    if (!answer.accepted) throw new SomaError(answer.code, answer.message);
    return reply.status(202).send({ digest: answer.digest, known: answer.known });
  });

  app.get("/v1/transactions/:digest", async (request, reply) => {
    const { digest } = read(z.object({ digest: hash }), request.params);
    const query = read(
      z.object({ wait, until: z.enum(["executed", "certified"]).default("executed") }),
      request.query,
    );
    const ask = async () => taken(await bus.request(GetTransaction, {}, { digest }, ASKED));
    const reached = (status: string) =>
      status === "certified" || (query.until === "executed" && status === "executed");
    const topic = query.until === "executed" ? `transaction ${digest}` : "checkpoint";
    const found = await news.until(topic, waiting(reply, query.wait, config.maxWait), async () => {
      const view = await ask();
      return reached(view.status) ? view : undefined;
    });
    return json(reply, GetTransaction as never, found ?? (await ask()));
  });

  app.get("/v1/epochs/:epoch", async (request, reply) => {
    const { epoch } = read(z.object({ epoch: z.union([z.literal("latest"), whole]) }), request.params);
    const info = taken(
      await bus.request(GetEpoch, {}, { epoch: epoch === "latest" ? null : BigInt(epoch) }, ASKED),
    );
    if (info === null) throw new SomaError("GATEWAY_EPOCH_NOT_FOUND", `no epoch ${epoch}`);
    return reply.type(OCTETS).send(Buffer.from(encode(EpochInfoCodec, info)));
  });

  app.get("/v1/handovers", async (request, reply) => {
    const { from } = read(z.object({ from: whole }), request.query);
    const page = taken(await bus.request(GetHandovers, {}, { fromEpoch: BigInt(from), limit: 16 }, ASKED));
    return reply.type(OCTETS).send(Buffer.from(encode(bcs.vector(EpochHandoverCodec), page)));
  });

  app.get("/v1/checkpoints/:sequence", async (request, reply) => {
    const { sequence } = read(z.object({ sequence: z.union([z.literal("latest"), whole]) }), request.params);
    const asked = sequence === "latest" ? null : BigInt(sequence);
    const found = taken(await bus.request(GetCheckpoint, {}, { sequence: asked }, ASKED));
    if (found === null)
      throw new SomaError("GATEWAY_CHECKPOINT_NOT_FOUND", `no certified checkpoint ${sequence}`);
    return reply.type(OCTETS).send(Buffer.from(encode(CertifiedCheckpointCodec, found)));
  });

  app.get("/v1/commits/:commit/leaf", async (request, reply) => {
    const { commit } = read(z.object({ commit: whole }), request.params);
    const found = taken(await bus.request(GetCommitLeaf, {}, { commit: BigInt(commit) }, ASKED));
    if (found === null) throw new SomaError("GATEWAY_COMMIT_NOT_FOUND", `commit ${commit} is not certified`);
    return reply.type(OCTETS).send(Buffer.from(encode(ProvenLeafCodec, found)));
  });

  app.get("/v1/ledger-updates/:sequence", async (request, reply) => {
    const { sequence } = read(z.object({ sequence: whole }), request.params);
    const { wait: waitMs } = read(z.object({ wait }), request.query);
    const part = async (index: number) =>
      taken(await bus.request(GetLedgerUpdate, {}, { sequence: BigInt(sequence), part: index }, ASKED));
    const first = await news.until(
      "checkpoint",
      waiting(reply, waitMs, config.maxWait),
      async () => (await part(0)) ?? undefined,
    );
    if (first === undefined) return reply.status(204).send();
    const updates = [first.update];
    for (let index = 1; index < first.parts; index++) {
      const next = await part(index);
      if (next === null) throw new SomaError("REQUEST_TIMEOUT", "a part of the update is gone; ask again");
      updates.push(next.update);
    }
    return reply.type(OCTETS).send(Buffer.from(encode(bcs.vector(bcs.byteVector()), updates)));
  });
}
