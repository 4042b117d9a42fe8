import { SomaError } from "@soma/base";
import type { FastifyReply } from "fastify";
import { z } from "zod";

export const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits");
/** Fits what databases call a bigint, whatever its digits. */
export const whole = z.string().regex(/^[0-9]{1,18}$/, "expected a whole number of at most 18 digits");
export const wait = z.coerce.number().int().min(0).optional();

/** How long a request waits for news: as it asks, within our bound, and not after its client has left. */
export function waiting(
  reply: FastifyReply,
  askedMs: number | undefined,
  maxMs: number,
): { ms: number; gone: AbortSignal } {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return { ms: Math.min(askedMs ?? 0, maxMs), gone: gone.signal };
}

/** Reads path and query of a request. @throws SomaError GATEWAY_MALFORMED naming what is wrong */
export function read<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SomaError(
    "GATEWAY_MALFORMED",
    `${issue?.path.join(".") ?? "request"}: ${issue?.message ?? "invalid"}`,
  );
}
