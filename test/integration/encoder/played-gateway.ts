import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { bcs } from "@soma/codec";
import { GetAccount, GetHead, GetTransaction } from "@soma/contracts";
import {
  CertifiedCheckpointCodec,
  type Digest,
  decodeSignedTransaction,
  EpochHandoverCodec,
  LedgerUpdateCodec,
  transactionDigest,
} from "@soma/protocol";
import type { Scenario } from "./scenario.ts";

/** What of a validator's gateway an encoder's operator uses, over the scenario's ledger and with blobs in memory. */
export class PlayedGateway {
  readonly blobs = new Map<string, Uint8Array>();
  /** Blobs whose askers wait for ever. */
  readonly held = new Set<string>();
  /** Blobs that were put and asked for, in order. */
  readonly asked: string[] = [];
  /** Questions for ledger updates. */
  looks = 0;
  readonly #scenario: Scenario;
  readonly #server: Server;
  readonly #sequences = new Map<string, bigint>();
  readonly #transactions = new Set<Digest>();

  private constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  static async open(scenario: Scenario): Promise<PlayedGateway> {
    const gateway = new PlayedGateway(scenario);
    await new Promise<void>((resolve) => gateway.#server.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(bytes: Uint8Array): string {
    const hash = createHash("sha256").update(bytes).digest("hex");
    this.blobs.set(hash, bytes);
    return hash;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.url);
    const [, , route, name = ""] = url.pathname.split("/");
    const send = (bytes: Uint8Array | string) => response.writeHead(200).end(bytes);
    const missing = () =>
      response
        .writeHead(404, { "content-type": "application/json" })
        .end(JSON.stringify({ status: 404, title: "Not Found", code: "GATEWAY_NOT_FOUND" }));
    switch (`${request.method} ${route}`) {
      case "GET ledger-updates": {
        this.looks += 1;
        const updates = await this.#updates(Number(name), Number(url.searchParams.get("wait")));
        if (updates === undefined) return void missing();
        const most = Number(url.searchParams.get("most") ?? 1);
        for (let ahead = 1; ahead < most; ahead++) {
          updates.push(...(this.#scenario.updatesOf(Number(name) + ahead) ?? []));
        }
        const parts = updates.map((update) => LedgerUpdateCodec.serialize(update).toBytes());
        return void send(bcs.vector(bcs.byteVector()).serialize(parts).toBytes());
      }
      case "GET handovers":
        return void send(bcs.vector(EpochHandoverCodec).serialize([]).toBytes());
      case "GET checkpoints": {
        const newest = this.#scenario.ledger.checkpoints.at(-1);
        if (newest === undefined) return void missing();
        return void send(CertifiedCheckpointCodec.serialize(newest.link.certificate).toBytes());
      }
      case "GET accounts":
        return void send(
          GetAccount.reply.encode({
            commit: this.#scenario.ledger.commit,
            address: name,
            exists: true,
            balance: 1_000_000n,
            sequence: this.#sequences.get(name) ?? 0n,
            stakes: [],
          }),
        );
      case "GET head":
        return void send(GetHead.reply.encode(this.#head()));
      case "POST transactions":
        return void send(JSON.stringify({ digest: this.#submit(await bodyOf(request)), known: false }));
      case "GET transactions":
        return void send(GetTransaction.reply.encode(this.#status(name)));
      case "PUT blobs":
        this.put(await bodyOf(request));
        this.asked.push(`PUT ${name}`);
        return void send(JSON.stringify({ hash: name }));
      case "GET blobs": {
        this.asked.push(`GET ${name}`);
        if (this.held.has(name)) return;
        const blob = this.blobs.get(name);
        return void (blob === undefined ? missing() : send(blob));
      }
      default:
        missing();
    }
  }

  async #updates(sequence: number, waitMs: number) {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const updates = this.#scenario.updatesOf(sequence);
      if (updates !== undefined || Date.now() > deadline) return updates && [...updates];
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #head() {
    const zero = "00".repeat(32);
    return {
      chainId: this.#scenario.chainId,
      epoch: this.#scenario.ledger.epoch.epoch,
      commit: this.#scenario.ledger.commit,
      commitDigest: zero,
      checkpoint: BigInt(this.#scenario.ledger.checkpoints.length),
      timestampMs: 0,
      baseFee: 1n,
      stateDigest: zero,
      supply: { liquid: 0n, staked: 0n, pools: 0n, escrowed: 0n, recyclable: 0n, unminted: 0n },
    };
  }

  #submit(bytes: Uint8Array): Digest {
    const decoded = decodeSignedTransaction(bytes);
    if (!decoded.ok) throw new Error(decoded.message);
    const { sender, sequence, kind } = decoded.value.transaction;
    const digest = transactionDigest(this.#scenario.chainId, bytes);
    if (!this.#transactions.has(digest)) {
      this.#transactions.add(digest);
      this.#sequences.set(sender, sequence + 1n);
      this.#scenario.send(sender, kind);
    }
    return digest;
  }

  #status(digest: Digest) {
    const known = this.#transactions.has(digest);
    return {
      status: known ? ("executed" as const) : ("unknown" as const),
      commit: known ? this.#scenario.ledger.commit : null,
      refusal: null,
      bytes: null,
      leaf: null,
      leafIndex: null,
      path: null,
      checkpoint: null,
    };
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return new Uint8Array(Buffer.concat(parts));
}
