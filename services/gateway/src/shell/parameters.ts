import { SomaError } from "@soma/base";
import { z } from "zod";

export const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits");
export const whole = z.string().regex(/^[0-9]{1,19}$/, "expected a whole number");
export const wait = z.coerce.number().int().min(0).optional();

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
