import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GetAccount, GetHead, GetTransaction } from "@soma/contracts";
import { type Digest, decodeSignedTransaction, transactionDigest } from "@soma/protocol";

export const TEST_CHAIN = "test";

/** A gateway that says what a test wants it to, true or not: how a client fares with one that lies or lags. */
export class TestGateway {
  /** Base URL. */
  readonly url: string;
  epoch = 0n;
  /** Every account's next sequence number. */
  sequence = 0n;
  readonly executed = new Set<Digest>();
  /** Each transaction that was handed in. */
  readonly submitted: { digest: Digest; sequence: bigint }[] = [];
  /** The mempool's refusal of what is handed in; undefined admits it, and it is executed. */
  refusal: (sequence: bigint) => string | undefined = () => undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async open(): Promise<TestGateway> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new TestGateway(server);
  }

  close(): void {
    this.#server.close().closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , topic, name] = new URL(request.url!, this.url).pathname.split("/");
    if (request.method === "POST") await this.#submit(request, response);
    else if (topic === "head") response.end(GetHead.reply.encode(this.#head()));
    else if (topic === "accounts") response.end(GetAccount.reply.encode(this.#account(name!)));
    else response.end(GetTransaction.reply.encode(this.#transaction(name!)));
  }

  async #submit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const signed = decodeSignedTransaction(bytes);
    if (!signed.ok) throw new Error(signed.message);
    const digest = transactionDigest(TEST_CHAIN, bytes);
    const { sequence } = signed.value.transaction;
    this.submitted.push({ digest, sequence });
    const code = this.refusal(sequence);
    if (code === undefined) {
      this.executed.add(digest);
      response.writeHead(202).end(JSON.stringify({ digest, known: false }));
    } else {
      response.writeHead(422).end(JSON.stringify({ status: 422, title: code, code, detail: "no" }));
    }
  }

  #head() {
    const zero = "00".repeat(32);
    const supply = { liquid: 0n, staked: 0n, pools: 0n, escrowed: 0n, recyclable: 0n, unminted: 0n };
    return {
      chainId: TEST_CHAIN,
      epoch: this.epoch,
      commit: 1n,
      commitDigest: zero,
      checkpoint: 1n,
      timestampMs: 1,
      baseFee: 1n,
      stateDigest: zero,
      supply,
    };
  }

  #account(address: string) {
    return { commit: 1n, address, exists: true, balance: 1n, sequence: this.sequence, stakes: [] };
  }

  #transaction(digest: Digest) {
    const isExecuted = this.executed.has(digest);
    return {
      status: isExecuted ? ("executed" as const) : ("unknown" as const),
      commit: isExecuted ? 7n : null,
      refusal: isExecuted ? "" : null,
      bytes: null,
      leaf: null,
      leafIndex: null,
      path: null,
      checkpoint: null,
    };
  }
}
