import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { statusOf } from "../core/index.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

/** What Node says of a request that never became one, and what we make of it. */
const REFUSALS: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ["GATEWAY_REQUEST_TIMEOUT", "the request did not arrive in time"],
  HPE_HEADER_OVERFLOW: ["GATEWAY_HEADERS_TOO_LARGE", "the headers are too large"],
};
const MALFORMED = ["GATEWAY_MALFORMED", "this is not HTTP"] as const;

/** Answers a request that Node gave up before any route saw it as every other refusal, counts it, and hangs up. */
export function answerClientError(
  metrics: GatewayMetrics,
): (error: Error & { readonly code?: string }, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const [code, detail] = REFUSALS[error.code ?? ""] ?? MALFORMED;
    const { status } = statusOf(code);
    metrics.refused.add(1, { code });
    const body = problemOf({ status, code, detail });
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `content-type: ${PROBLEM_TYPE}`,
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
    ];
    if (socket.writable) socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    socket.destroy(error);
  };
}
