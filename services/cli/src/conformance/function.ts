import { err, type Result } from "@soma/base";
import type { z } from "zod";

/** Input that does not have the form that CONFORMANCE.md gives for its function. */
export const INPUT_INVALID = "CONFORMANCE_INPUT";

/** One function of CONFORMANCE.md: JSON input to JSON output, or a refusal with a stable code. */
export type ConformanceFunction = (input: unknown) => Result<unknown>;

/** Reads the input by its schema (`CONFORMANCE_INPUT` if it does not fit), then asks the services' code. */
export function conformanceFunction<S extends z.ZodType>(
  schema: S,
  answer: (input: z.output<S>) => Result<unknown>,
): ConformanceFunction {
  return (input) => {
    const read = schema.safeParse(input);
    return read.success ? answer(read.data) : err(INPUT_INVALID, firstIssue(read.error));
  };
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "the input does not fit the function";
  const at = issue.path.map(String).join(".").slice(0, 100);
  return `${at === "" ? "input" : at}: ${issue.message.slice(0, 200)}`;
}
