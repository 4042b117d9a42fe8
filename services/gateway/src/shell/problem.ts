import { SomaError } from "@soma/base";
import type { Telemetry } from "@soma/telemetry";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import { statusOf } from "../core/index.ts";
import type { GatewayMetrics } from "./metrics.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** RFC 9457, with a stable code. */
export const Problem = z
  .object({
    type: z.string().meta({ description: "`urn:soma:error:<code>`" }),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/)
      .meta({ description: "Stable: match on this, never on text." }),
    detail: z.string().meta({ description: "For a person: what is wrong, and what to do." }),
  })
  .catchall(z.unknown())
  .meta({ id: "Problem", description: "A refusal (RFC 9457 problem details)." });

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryAfterSeconds?: number;
  /** Further members of the problem, such as the nearest routes. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** The body of a refusal. */
export function problemOf({ status, code, detail, members }: Omit<Refusal, "retryAfterSeconds">): string {
  return JSON.stringify({ type: `urn:soma:error:${code}`, title: code, status, code, detail, ...members });
}

/** Answers with problem details, and counts the code. */
export class Problems {
  readonly #telemetry: Telemetry;
  readonly #metrics: GatewayMetrics;

  constructor(telemetry: Telemetry, metrics: GatewayMetrics) {
    this.#telemetry = telemetry;
    this.#metrics = metrics;
  }

  /** Answers whatever was thrown. */
  answer(error: unknown, reply: FastifyReply): FastifyReply {
    return this.send(this.#refusalOf(error), reply);
  }

  send(refusal: Refusal, reply: FastifyReply): FastifyReply {
    const { status, code, detail, retryAfterSeconds, members } = refusal;
    this.#metrics.refused.add(1, { code });
    if (retryAfterSeconds !== undefined)
      reply.header("retry-after", Math.max(1, Math.ceil(retryAfterSeconds)));
    return reply
      .status(status)
      .type(PROBLEM_TYPE)
      .send(problemOf({ status, code, detail, ...(members === undefined ? {} : { members }) }));
  }

  #refusalOf(error: unknown): Refusal {
    if (error instanceof SomaError) {
      const known = statusOf(error.code);
      const details = error.details as Pick<Refusal, "members" | "retryAfterSeconds">;
      const { members, retryAfterSeconds = known.retryAfterSeconds } = details;
      return {
        status: known.status,
        code: error.code,
        detail: error.message,
        ...(members === undefined ? {} : { members }),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      };
    }
    const known = error as { statusCode?: number; message?: string; code?: string };
    if (known.code === "ECONNRESET") {
      return { status: 400, code: "GATEWAY_ABORTED", detail: "the body broke off" };
    }
    if (known.statusCode === 413) {
      return {
        status: 413,
        code: "GATEWAY_BODY_TOO_LARGE",
        detail: known.message ?? "the body is too large",
      };
    }
    if (known.statusCode !== undefined && known.statusCode >= 400 && known.statusCode < 500) {
      const detail = known.message ?? "malformed request";
      return { status: known.statusCode, code: "GATEWAY_MALFORMED", detail };
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const cause = error instanceof Error && error.cause !== undefined ? String(error.cause) : undefined;
    this.#telemetry.log.error({ error: text, cause }, "a route failed");
    return { status: 500, code: "GATEWAY_FAILED", detail: "the gateway failed; its log says why" };
  }
}
