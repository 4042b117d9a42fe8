import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RelayOptions {
  /** Base URL of the gateway behind it. */
  readonly gateway: string;
  /** What it makes of an answer's body; by default nothing. */
  readonly alter?: (path: string, body: Uint8Array) => Uint8Array;
}

/** A party between client and gateway: it can lie about answers, go away, and come back at the same address. */
export class Relay {
  readonly url: string;
  readonly #options: RelayOptions;
  readonly #port: number;
  #server: Server;

  private constructor(options: RelayOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  static async open(options: RelayOptions): Promise<Relay> {
    return new Relay(options, await listen(options, 0));
  }

  /** Goes away in the midst of whatever it was doing. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async reopen(): Promise<void> {
    await this.close();
    this.#server = await listen(this.#options, this.#port);
  }
}

function listen(options: RelayOptions, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      pass(options, request, response).catch(() => response.destroy());
    });
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

async function pass(
  options: RelayOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const path = request.url ?? "/";
  const type = request.headers["content-type"];
  const answer = await fetch(options.gateway + path, {
    method: request.method ?? "GET",
    ...(parts.length === 0 ? {} : { body: Buffer.concat(parts) }),
    ...(type === undefined ? {} : { headers: { "content-type": type } }),
  });
  const body = new Uint8Array(await answer.arrayBuffer());
  const headers = { "content-type": answer.headers.get("content-type") ?? "application/octet-stream" };
  response.writeHead(answer.status, headers);
  response.end(answer.ok ? (options.alter?.(path, body) ?? body) : body);
}
