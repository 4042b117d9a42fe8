import { SomaError } from "@soma/base";
import { z } from "zod";

/** RFC 9457 problem details as the gateway sends them, with a stable code. */
const ProblemSchema = z.object({
  status: z.int(),
  title: z.string(),
  code: z.string(),
  detail: z.string().optional(),
});

/** A gateway's refusal as an error: `code` is stable, `details.status` is HTTP's. */
export async function problemOf(response: Response): Promise<SomaError> {
  const text = await response.text().catch(() => "");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const problem = ProblemSchema.safeParse(parsed);
  if (!problem.success) {
    return new SomaError("GATEWAY_ANSWER", `the gateway answered HTTP ${response.status}`, {
      status: response.status,
    });
  }
  const { code, title, detail } = problem.data;
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new SomaError(code, detail ?? title, {
    status: response.status,
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
  });
}
