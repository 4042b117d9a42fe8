import { ConsensusStatus, GetHead, ListOperators, ListPeers, StateStatus } from "@soma/contracts";
import { z } from "zod";
import { ASKED, taken } from "../context.ts";
import { defineRoute, OCTETS, type Route } from "../route.ts";

const tag = "network";

/** Where the network and this validator stand. */
export const NETWORK_ROUTES: readonly Route[] = [
  defineRoute({
    id: "getHealth",
    method: "GET",
    url: "/v1/health",
    tag,
    summary: "Which network and validator this gateway serves",
    answers: {
      200: {
        doc: "The gateway is up.",
        json: z.object({ ok: z.boolean(), network: z.string(), validator: z.string() }),
      },
    },
    handle: ({ context, reply }) =>
      reply.send({ ok: true, network: context.genesis.chainId, validator: context.validator }),
  }),
  defineRoute({
    id: "getGenesis",
    method: "GET",
    url: "/v1/genesis",
    tag,
    summary: "The genesis file",
    description:
      "The root of trust: compare its digest with one that you trust before you follow the network.",
    answers: { 200: { doc: "The file as it is.", type: OCTETS } },
    handle: ({ context, reply }) => reply.type(OCTETS).send(Buffer.from(context.genesisBytes)),
  }),
  defineRoute({
    id: "getHead",
    method: "GET",
    url: "/v1/head",
    tag,
    summary: "Where the ledger stands",
    answers: { 200: { doc: "The last executed commit and the supply.", json: jsonOf(GetHead) } },
    reads: true,
    handle: async ({ ledger, reply }) => reply.send(await ledger.ask(GetHead, {})),
  }),
  defineRoute({
    id: "getState",
    method: "GET",
    url: "/v1/state",
    tag,
    summary: "Where this validator's execution stands, and why it is halted if it is",
    description:
      "`halt` is null while the ledger goes on. Otherwise nothing is executed or certified here, questions are " +
      "answered as of before, and transactions are refused with GATEWAY_HALTED until the operators mend or override it.",
    answers: { 200: { doc: "The executor's own word.", json: jsonOf(StateStatus) } },
    asks: true,
    handle: async ({ context: { bus }, reply }) =>
      reply.send(taken(await bus.request(StateStatus, {}, {}, ASKED))),
  }),
  defineRoute({
    id: "getOperators",
    method: "GET",
    url: "/v1/operators",
    tag,
    summary: "Validators and encoders with their stake, at once",
    description: "For more of each operator, in pages: `/v1/validators` and `/v1/encoders`.",
    answers: { 200: { doc: "All registered operators.", json: jsonOf(ListOperators) } },
    reads: true,
    handle: async ({ ledger, reply }) => reply.send(await ledger.ask(ListOperators, {})),
  }),
  defineRoute({
    id: "getPeers",
    method: "GET",
    url: "/v1/peers",
    tag,
    summary: "Which operators this one is linked with",
    answers: { 200: { doc: "The links and how the peers behave.", json: jsonOf(ListPeers) } },
    asks: true,
    handle: async ({ context: { bus }, reply }) =>
      reply.send(taken(await bus.request(ListPeers, {}, {}, ASKED))),
  }),
  defineRoute({
    id: "getConsensus",
    method: "GET",
    url: "/v1/consensus",
    tag,
    summary: "Where this validator's consensus stands",
    answers: { 200: { doc: "Epoch, round, last commit, blocks seen.", json: jsonOf(ConsensusStatus) } },
    asks: true,
    handle: async ({ context: { bus }, reply }) =>
      reply.send(taken(await bus.request(ConsensusStatus, {}, {}, ASKED))),
  }),
];

/** The schema by which the service itself answered. */
export function jsonOf(message: { readonly reply: { readonly schema: z.ZodType | undefined } }): z.ZodObject {
  const { schema } = message.reply;
  if (!(schema instanceof z.ZodObject)) throw new TypeError("the answer is not a JSON object");
  return schema;
}
