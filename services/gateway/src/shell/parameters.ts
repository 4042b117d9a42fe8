import { SomaError } from "@soma/base";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import type { Wait } from "./news.ts";

export const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits")
  .meta({ description: "64 lower-case hex digits" });
/** Fits what databases call a bigint, whatever its digits. */
export const whole = z.string().regex(/^[0-9]{1,18}$/, "expected a whole number of at most 18 digits");
export const wait = z.coerce
  .number()
  .int()
  .min(0)
  .optional()
  .meta({ description: "Milliseconds that the answer may be held back for news; bounded by the gateway." });

/** A body of bytes. */
export const octets = z
  .custom<Buffer>((value) => Buffer.isBuffer(value), "send the bytes as application/octet-stream")
  .meta({ description: "the bytes as they are" });

/** How long a request waits for news: as it asks, within our bound, and not after its client has left. */
export function waiting(
  reply: FastifyReply,
  askedMs: number | undefined,
  maxMs: number,
  client: string | undefined,
): Wait {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return { ms: Math.min(askedMs ?? 0, maxMs), gone: gone.signal, client };
}

/** What a service answered, or the refusal that there is no such thing. */
export function found<T>(value: T | null | undefined, code: string, message: string): T {
  if (value === null || value === undefined) throw new SomaError(code, message);
  return value;
}
