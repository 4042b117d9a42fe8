import { type CodeEntry, GATEWAY_CODES } from "./codes.ts";

/**
 * HTTP status of a refusal's code. What is the client's doing is 4xx; what another try may mend is 429 or 503
 * with a Retry-After. Anything unnamed is a plain refusal of the content.
 */
export function statusOf(code: string): { status: number; retryAfterSeconds?: number } {
  const own: CodeEntry | undefined = GATEWAY_CODES[code as keyof typeof GATEWAY_CODES];
  if (own !== undefined) {
    const { status, retryAfterSeconds } = own;
    return retryAfterSeconds === undefined ? { status } : { status, retryAfterSeconds };
  }
  if (/^(REQUEST_(TIMEOUT|NO_RESPONDER|BUSY)|STATE_(RECOVERING|BEHIND))$/.test(code)) {
    return { status: 503, retryAfterSeconds: 1 };
  }
  if (/^MEMPOOL_.*(FULL|QUOTA|BUSY|CONGESTED)/.test(code)) return { status: 429, retryAfterSeconds: 1 };
  if (code === "ADMISSION_RATE") return { status: 429, retryAfterSeconds: 5 };
  if (/^ADMISSION_(STRANGER|SIGNATURE|BANNED|REPLAY|CLOCK)$/.test(code)) return { status: 403 };
  if (code === "EDGE_UNAVAILABLE") return { status: 503, retryAfterSeconds: 1 };
  if (/NOT_FOUND$/.test(code)) return { status: 404 };
  if (/TOO_LARGE$/.test(code)) return { status: 413 };
  if (/^(CODEC_|MESSAGE_)/.test(code)) return { status: 400 };
  if (code === "REQUEST_FAILED") return { status: 502 };
  return { status: 422 };
}
