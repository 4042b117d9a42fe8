import { SomaError } from "@soma/base";
import { activeTraceparent } from "@soma/telemetry";
import pRetry, { AbortError } from "p-retry";
import { problemOf } from "./problem.ts";

export interface HttpOptions {
  /** Base URLs of gateways, the preferred first. The next is asked when one cannot be reached. */
  readonly gateways: readonly string[];
  /** Milliseconds for one attempt. */
  readonly timeoutMs?: number;
  /** Further rounds over the gateways after the first. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
  /** Instead of the global one: an `AddressGuard`'s, where others wrote the gateways' addresses. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface HttpRequest {
  readonly method?: "GET" | "PUT" | "POST";
  /** From the base URL on, with its leading slash. */
  readonly path: string;
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
  /** Beyond `timeoutMs`: how long the gateway itself may hold the answer back. */
  readonly waitMs?: number;
  /** Answers other than 2xx that are results and not errors. */
  readonly accept?: readonly number[];
}

/** Largest answer that is read: a blob, with room. */
const MAX_ANSWER_BYTES = 80 * 1024 * 1024;

/** Statuses that another attempt or another gateway may mend. */
const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * HTTP to any of several gateways: each attempt asks the next one, because any of them serves the same ledger
 * and the same blobs. A refusal (4xx) is final; an unreachable or overloaded gateway is not.
 */
export class Http {
  readonly #options: HttpOptions;
  #preferred = 0;

  constructor(options: HttpOptions) {
    if (options.gateways.length === 0) throw new SomaError("GATEWAY_NONE", "no gateway is configured");
    this.#options = options;
  }

  /** The gateway asked first at present. */
  get gateway(): string {
    return this.#options.gateways[this.#preferred]!;
  }

  get fetch(): typeof globalThis.fetch {
    return this.#options.fetch ?? globalThis.fetch;
  }

  get gateways(): readonly string[] {
    return this.#options.gateways;
  }

  /** The same over other gateways. */
  over(gateways: readonly string[]): Http {
    return new Http({ ...this.#options, gateways });
  }

  /** Has the next gateway asked first: for answers that are no failure and yet lead nowhere, such as silence. */
  moveOn(): void {
    this.#preferred = (this.#preferred + 1) % this.gateways.length;
  }

  /** @throws SomaError with the gateway's code, or GATEWAY_UNREACHABLE or GATEWAY_REDIRECT when every attempt failed. */
  request(request: HttpRequest): Promise<Response> {
    const { gateways, retries = 4, signal } = this.#options;
    return pRetry(() => this.#attempt(request), {
      retries: (retries + 1) * gateways.length - 1,
      minTimeout: 50,
      maxTimeout: 1_000,
      randomize: true,
      ...(signal === undefined ? {} : { signal }),
      onFailedAttempt: () => this.moveOn(),
    });
  }

  async json(request: HttpRequest): Promise<unknown> {
    const response = await this.request(request);
    return response.status === 204 ? undefined : response.json();
  }

  /** Undefined for 204 and 404. */
  async bytes(request: HttpRequest): Promise<Uint8Array | undefined> {
    const response = await this.request({ ...request, accept: [404] });
    if (response.status === 204 || response.status === 404) return undefined;
    return new Uint8Array(await response.arrayBuffer());
  }

  async #attempt(request: HttpRequest): Promise<Response> {
    const base = this.gateway;
    const timeout = AbortSignal.timeout((this.#options.timeoutMs ?? 10_000) + (request.waitMs ?? 0));
    const traceparent = activeTraceparent();
    const headers = {
      ...(request.contentType === undefined ? {} : { "content-type": request.contentType }),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    const signals = this.#options.signal === undefined ? [timeout] : [timeout, this.#options.signal];
    let response: Response;
    try {
      const answer = await this.fetch(base.replace(/\/+$/, "") + request.path, {
        method: request.method ?? "GET",
        headers,
        signal: AbortSignal.any(signals),
        redirect: "manual",
        // fetch takes bytes as well as text; its type here names only the buffer-backed kind of Uint8Array.
        ...(request.body === undefined ? {} : { body: request.body as string }),
      });
      // Read here: a gateway that dies in the midst of its answer is one that cannot be reached.
      response = await whole(answer);
    } catch (cause) {
      if (this.#options.signal?.aborted === true) throw new AbortError("stopped by the caller");
      throw new SomaError("GATEWAY_UNREACHABLE", `${base} cannot be reached`, {}, { cause });
    }
    // A gateway may send no one on: to where only this machine reaches, for instance, with what it was given.
    if (response.status >= 300 && response.status < 400) {
      throw new SomaError(
        "GATEWAY_REDIRECT",
        `${base} redirects, which is not followed; name the address it leads to`,
      );
    }
    if (response.ok || request.accept?.includes(response.status) === true) return response;
    const problem = await problemOf(response);
    if (RETRIED.has(response.status)) throw problem;
    throw new AbortError(problem);
  }
}

/** The same answer with its body in memory. @throws if the body breaks off or is larger than any answer is */
async function whole(answer: Response): Promise<Response> {
  const { status, headers, body } = answer;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    // Leaving the loop cancels the rest.
    if (size > MAX_ANSWER_BYTES) throw new RangeError(`an answer has at most ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return new Response(body === null ? null : Buffer.concat(parts, size), { status, headers });
}
