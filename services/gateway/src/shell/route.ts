import type { Config } from "@soma/config";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { GatewayCode } from "../core/index.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayContext } from "./context.ts";
import type { LedgerQuestions } from "./ledger-questions.ts";

export const OCTETS = "application/octet-stream";
export const EVENTS = "text/event-stream";

/** One status that a route answers with, beside its refusals. */
export interface Answer {
  readonly doc: string;
  /** Wire form and check of a JSON answer. */
  readonly json?: z.ZodType;
  /** Media type of an answer that is not JSON. */
  readonly type?: typeof OCTETS | typeof EVENTS;
}

/** A request whose parts fit the route's schemas. */
export interface Given<P, Q, B> {
  readonly context: GatewayContext;
  readonly ledger: LedgerQuestions;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  /** Name of the operation, for generated clients. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT";
  readonly url: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: {
    readonly type: "application/json" | typeof OCTETS;
    readonly schema: B;
    readonly maxBytes?: (config: Config<typeof GatewayConfig>) => number;
    /** Nobody reads the body before the route does. */
    readonly isStream?: boolean;
  };
  readonly answers: Readonly<Record<number, Answer>>;
  /** Refusals of its own; what every route may answer is added. */
  readonly codes?: readonly (GatewayCode | (string & {}))[];
  /** It asks a service of the operator, which may be away. */
  readonly asks?: boolean;
  /** What it answers is read from the ledger: it takes and gives the headers of `STANDING`. */
  readonly reads?: boolean;
  /** Answers by its result, or by `reply`. */
  readonly handle: (given: Given<z.output<P>, z.output<Q>, z.output<B>>) => unknown;
}

/** A route as data: what is checked, documented and served are the same. */
export interface Route extends Omit<RouteSpec<z.ZodType, z.ZodType, z.ZodType>, "handle"> {
  readonly handle: (given: Given<never, never, never>) => unknown;
}

export function defineRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  spec: RouteSpec<P, Q, B>,
): Route {
  return spec;
}
