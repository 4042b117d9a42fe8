import { SomaError } from "@soma/base";
import {
  ClassifyByPool,
  GetEmbeddings,
  GetLeadingDimensions,
  GetPool,
  RecommendFromPool,
  SearchPool,
} from "@soma/contracts";
import { z } from "zod";
import { ASKED, taken } from "../context.ts";
import { hash } from "../parameters.ts";
import { defineRoute, OCTETS, type Route } from "../route.ts";
import { jsonOf } from "./network.ts";

const tag = "pool";
/** Refusals of questions that name items, and of lists of hits. */
const POINT_CODES = ["POOL_ITEM_NOT_FOUND", "POOL_DIMENSION"] as const;
const LISTING_CODES = [...POINT_CODES, "POOL_NO_ROTATION", "POOL_CURSOR", "POOL_QUERY_ZERO"] as const;

/** Recorded embeddings, and what can be asked about them. */
export const POOL_ROUTES: readonly Route[] = [
  defineRoute({
    id: "getEmbeddings",
    method: "GET",
    url: "/v1/embeddings/:job",
    tag,
    summary: "The recorded vectors of a job",
    description:
      "BCS of `EmbeddingsRecorded`: int16 components, little endian, all items in order. With `dimensions`, only the " +
      "leading ones after the pool's published rotation: int16 little endian, all items in order, nothing around them.",
    params: z.object({ job: hash }),
    query: z.strictObject({
      dimensions: z.coerce
        .number()
        .int()
        .min(1)
        .max(2048)
        .optional()
        .meta({ description: "Leading dimensions after the rotation that `/v1/pool` names." }),
    }),
    answers: { 200: { doc: "The vectors.", type: OCTETS } },
    codes: ["GATEWAY_EMBEDDINGS_NOT_FOUND", ...POINT_CODES, "POOL_NO_ROTATION"],
    asks: true,
    reads: true,
    handle: async ({ ledger, context: { bus }, params: { job }, query: { dimensions }, reply }) => {
      if (dimensions !== undefined) {
        const leading = taken(await bus.request(GetLeadingDimensions, {}, { job, dimensions }, ASKED));
        return reply.type(OCTETS).send(Buffer.from(leading));
      }
      const bytes = await ledger.ask(GetEmbeddings, { job });
      if (bytes.length === 0) {
        throw new SomaError("GATEWAY_EMBEDDINGS_NOT_FOUND", `job ${job} recorded no vectors`);
      }
      return reply.type(OCTETS).send(Buffer.from(bytes));
    },
  }),
  defineRoute({
    id: "getPool",
    method: "GET",
    url: "/v1/pool",
    tag,
    summary: "What the pool holds and how it is indexed",
    answers: { 200: { doc: "As of its newest commit.", json: jsonOf(GetPool) } },
    asks: true,
    handle: async ({ context: { bus }, reply }) =>
      reply.send(taken(await bus.request(GetPool, {}, {}, ASKED))),
  }),
  defineRoute({
    id: "searchPool",
    method: "POST",
    url: "/v1/search",
    tag,
    summary: "The nearest recorded embeddings, to a vector or to a recorded item",
    body: { type: "application/json", schema: SearchPool.payload.schema! },
    answers: { 200: { doc: "Nearest first.", json: jsonOf(SearchPool) } },
    codes: ["POOL_QUERY", ...LISTING_CODES],
    asks: true,
    handle: async ({ context: { bus }, body, reply }) =>
      reply.send(taken(await bus.request(SearchPool, {}, body as never, ASKED))),
  }),
  defineRoute({
    id: "recommendFromPool",
    method: "POST",
    url: "/v1/recommend",
    tag,
    summary: "What is like some examples and unlike others",
    body: {
      type: "application/json",
      schema: RecommendFromPool.payload.schema!,
      maxBytes: () => RecommendFromPool.payload.maxBytes,
    },
    answers: { 200: { doc: "Nearest first, the examples left out.", json: jsonOf(RecommendFromPool) } },
    codes: [...LISTING_CODES],
    asks: true,
    handle: async ({ context: { bus }, body, reply }) =>
      reply.send(taken(await bus.request(RecommendFromPool, {}, body as never, ASKED))),
  }),
  defineRoute({
    id: "classifyByPool",
    method: "POST",
    url: "/v1/classify",
    tag,
    summary: "Which label's examples are nearest to each item",
    description:
      "Nearest centroid. For zero-shot classification each label has one example, the embedding of its text.",
    body: {
      type: "application/json",
      schema: ClassifyByPool.payload.schema!,
      maxBytes: () => ClassifyByPool.payload.maxBytes,
    },
    answers: { 200: { doc: "The labels of each item, the nearest first.", json: jsonOf(ClassifyByPool) } },
    codes: [...POINT_CODES, "POOL_LABEL_TWICE", "POOL_LABEL_EMPTY"],
    asks: true,
    handle: async ({ context: { bus }, body, reply }) =>
      reply.send(taken(await bus.request(ClassifyByPool, {}, body as never, ASKED))),
  }),
];
