import swagger from "@fastify/swagger";
import { checkpointEvent, commitEvent, jobEvent, STANDING, transactionEvent } from "@soma/contracts";
import type { FastifyInstance, FastifySchema } from "fastify";
import { createJsonSchemaTransform } from "fastify-type-provider-zod";
import { z } from "zod";
import { GATEWAY_CODES, statusOf } from "../core/index.ts";
import { epochEvent } from "./events/event-feed.ts";
import { whole } from "./parameters.ts";
import { PROBLEM_TYPE, Problem } from "./problem.ts";
import type { Answer, Route } from "./route.ts";

const DESCRIPTION = `The HTTP door of one validator. Any validator's gateway serves the same ledger.

Whole numbers that may be large are decimal strings; ids, digests and keys are lower-case hex. Refusals are problem
details (RFC 9457) with a stable \`code\`; 429 and 503 carry \`Retry-After\`. Lists come in pages: \`next\` is the
\`cursor\` of the page after, or null at the end. Answers are a validator's word unless they carry their proof.
What is read from the ledger is read from one moment, which the headers \`${STANDING.checkpoint}\` and
\`${STANDING.commit}\` name; \`${STANDING.atLeast}\` asks for one that is not older than a checkpoint.`;

const TAGS = {
  network: "Where the network stands.",
  ledger: "Accounts, operators, epochs, commits, checkpoints and parameters.",
  transactions: "Handing in, and following to execution or certificate.",
  jobs: "Embedding jobs and their messages.",
  pool: "Recorded embeddings and search.",
  blobs: "Items and vectors by content address.",
  events: "What happens, as it happens.",
  operators: "For other operators' services.",
} as const;

/** Refusals that every route may answer with. */
const COMMON = ["GATEWAY_QUOTA_REQUESTS", "GATEWAY_FAILED"] as const;
/** Refusals of a route that asks another service of the operator. */
const ASKING = ["REQUEST_TIMEOUT", "REQUEST_NO_RESPONDER", "REQUEST_BUSY", "REQUEST_FAILED"] as const;
const ASKING_MEANING =
  "a service of this operator is away or busy: ask again, or another validator's gateway";

/** What a route adds to that whose answer is read from the ledger. */
const BEHIND = "STATE_BEHIND";
const BEHIND_MEANING =
  "the checkpoint that was asked for is not certified here yet: ask again, or another validator's gateway";
const ASKED_STANDING = z.looseObject({
  [STANDING.atLeast.toLowerCase()]: whole.optional().meta({
    description: "The answer is not older than this certified checkpoint, or the refusal `STATE_BEHIND`.",
  }),
});
const GIVEN_STANDING = {
  [STANDING.checkpoint]: {
    type: "string",
    description: "The last certified checkpoint of the moment from which all of the answer was read.",
  },
  [STANDING.commit]: { type: "string", description: "The last executed commit of that moment." },
};

/** Data of the events, which OpenAPI cannot tie to a stream: named in the route's own description. */
const EVENT_DATA = {
  CommitEvent: commitEvent,
  TransactionEvent: transactionEvent,
  JobEvent: jobEvent,
  CheckpointEvent: checkpointEvent,
  EpochEvent: epochEvent,
};

/** What a codec's value looks like on the wire, which is what a client sees of it. */
function wireForm(context: { zodSchema: unknown; jsonSchema: Record<string, unknown> }): void {
  if (context.zodSchema instanceof z.ZodCodec) {
    Object.assign(context.jsonSchema, z.toJSONSchema(context.zodSchema, { io: "input" }));
    delete context.jsonSchema["$schema"];
  }
}

/** Prepares an app so that routes mounted after it are documented by \`app.swagger()\`. */
export async function documentRoutes(app: FastifyInstance): Promise<void> {
  const { id: _, ...problem } = z.toJSONSchema(Problem, { io: "input" }).$defs!["Problem"]!;
  const eventData = Object.entries(EVENT_DATA).map(([name, schema]) => {
    const { $schema: _dialect, ...data } = z.toJSONSchema(schema, { io: "input" });
    return [name, data];
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Soma gateway",
        version: "1.0.0",
        description: DESCRIPTION,
        license: { name: "see the repository" },
      },
      servers: [{ url: "/" }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { schemas: { Problem: problem, ...Object.fromEntries(eventData) } as never },
    },
    transform: (route) => withHeaders(route, toJsonSchemas(route)),
  });
}

const toJsonSchemas = createJsonSchemaTransform({ zodToJsonConfig: { override: wireForm as never } });

/** The transform leaves out the headers of answers. */
function withHeaders(route: { schema?: FastifySchema }, transformed: ReturnType<typeof toJsonSchemas>) {
  const given = (route.schema?.response ?? {}) as Record<string, { headers?: object }>;
  const made = (transformed.schema as FastifySchema).response as Record<string, { headers?: object }>;
  for (const [status, { headers }] of Object.entries(given)) {
    if (headers !== undefined) made[status]!.headers = headers;
  }
  return transformed;
}

/** The schema by which a route is both checked and documented. */
export function schemaOf(route: Route): FastifySchema {
  const response: Record<string, unknown> = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    const isRead = route.reads === true && (answer.json ?? answer.type) !== undefined;
    response[status] = isRead ? { ...answerOf(answer), headers: GIVEN_STANDING } : answerOf(answer);
  }
  for (const [status, codes] of refusals(route)) {
    const meanings = codes.map((code) => `\`${code}\`: ${meaningOf(code)}`);
    response[status] = {
      description: meanings.join("; "),
      content: { [PROBLEM_TYPE]: { schema: Problem } },
    };
  }
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.reads === true ? { headers: ASKED_STANDING } : {}),
    ...(route.params === undefined ? {} : { params: route.params }),
    ...(route.query === undefined ? {} : { querystring: route.query }),
    ...(route.body === undefined ? {} : { body: route.body.schema, consumes: [route.body.type] }),
    response,
  } as FastifySchema;
}

function answerOf({ doc, json, type }: Answer): object {
  if (json !== undefined) return { description: doc, content: { "application/json": { schema: json } } };
  if (type !== undefined) return { description: doc, content: { [type]: { schema: z.any() } } };
  return z.null().meta({ description: doc });
}

/** The route's refusals by status. */
function refusals(route: Route): Map<number, string[]> {
  const isChecked =
    route.reads || route.params !== undefined || route.query !== undefined || route.body !== undefined;
  const codes = [
    ...(isChecked ? ["GATEWAY_MALFORMED"] : []),
    ...(route.body === undefined ? [] : ["GATEWAY_BODY_TOO_LARGE"]),
    ...(route.codes ?? []),
    ...(route.asks || route.reads ? ASKING : []),
    ...(route.reads ? [BEHIND] : []),
    ...COMMON,
  ];
  const byStatus = new Map<number, string[]>();
  for (const code of new Set(codes)) {
    const { status } = statusOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return byStatus;
}

function meaningOf(code: string): string {
  if (code === BEHIND) return BEHIND_MEANING;
  if ((ASKING as readonly string[]).includes(code)) return ASKING_MEANING;
  return (
    GATEWAY_CODES[code as keyof typeof GATEWAY_CODES]?.meaning ?? "a refusal of the service that was asked"
  );
}
