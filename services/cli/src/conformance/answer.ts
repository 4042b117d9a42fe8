import { z } from "zod";
import { CONFORMANCE_FUNCTIONS } from "./registry.ts";

/** A line that is no JSON object with `id` and `fn`. */
export const LINE_MALFORMED = "CONFORMANCE_LINE_MALFORMED";
/** A line above `MAX_LINE_BYTES`. */
export const LINE_TOO_LONG = "CONFORMANCE_LINE_TOO_LONG";
/** A function that `--list` does not name. */
export const UNKNOWN_FUNCTION = "CONFORMANCE_UNKNOWN_FUNCTION";
/** A function failed in a way that it should not have: a defect of ours, never the input's. */
export const FUNCTION_FAILED = "CONFORMANCE_FUNCTION_FAILED";

type Id = string | number | null;
export type Answer =
  | { readonly id: Id; readonly output: unknown }
  | { readonly id: Id; readonly error: { readonly code: string; readonly message: string } };

const idField = z.union([z.string(), z.number()]);
const requestFields = z.object({ id: idField, fn: z.string(), input: z.unknown().optional() });

export function refusal(id: Id, code: string, message: string): Answer {
  return { id, error: { code, message } };
}

/** Answers one line. Total: whatever the text, the answer is an output or an error with a stable code. */
export function answerLine(text: string): Answer {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // NaN and Infinity, which some writers emit, end up here: the caller still learns which case it was.
    return refusal(idIn(text), LINE_MALFORMED, "the line is not JSON");
  }
  const request = requestFields.safeParse(parsed);
  if (!request.success) {
    return refusal(idOf(parsed), LINE_MALFORMED, 'the line is no object with "id" and "fn"');
  }
  const { id, fn, input } = request.data;
  const run = CONFORMANCE_FUNCTIONS.get(fn);
  if (run === undefined) return refusal(id, UNKNOWN_FUNCTION, `no function ${fn.slice(0, 100)}`);
  try {
    const result = run(input);
    return result.ok ? { id, output: result.value } : refusal(id, result.code, result.message);
  } catch (error) {
    return refusal(id, FUNCTION_FAILED, error instanceof Error ? error.message : "failed");
  }
}

function idOf(parsed: unknown): Id {
  const holder = z.object({ id: idField }).safeParse(parsed);
  return holder.success ? holder.data.id : null;
}

/** The id of text that does not parse, if it begins as a case does. */
function idIn(text: string): Id {
  const match = /^\s*\{\s*"id"\s*:\s*("(?:[^"\\]|\\.){0,1000}")/.exec(text);
  if (match === null) return null;
  try {
    return idField.parse(JSON.parse(match[1]!));
  } catch {
    return null;
  }
}
