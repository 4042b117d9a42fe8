import { bcs, byteString, encode } from "@soma/codec";
import type { AccountKey } from "@soma/identity";
import type { Digest } from "@soma/protocol";
import { Pool } from "undici";

export interface SignedTransfer {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Signed transfers of one account, by ascending sequence number: made before the clock runs. */
export function signTransfers(
  account: AccountKey,
  chainId: string,
  from: bigint,
  count: number,
): SignedTransfer[] {
  // To addresses of their own accounts: an execution reads and writes two entries.
  return Array.from({ length: count }, (_, i) =>
    account.sign({
      chainId,
      sequence: from + BigInt(i),
      expiryEpoch: 1_000n,
      tip: 0n,
      kind: { Transfer: { to: account.address, amount: 1n } },
    }),
  );
}

/** Of one request: what the gateway takes at most. */
const BULK = 512;
/** Requests to one gateway that are under way at once: what comes meanwhile goes with the next. */
const IN_FLIGHT = 2;
const BulkCodec = bcs.vector(byteString);

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: (retryMs: number | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface Gateway {
  readonly pool: Pool;
  readonly waiting: Waiting[];
  inFlight: number;
}

type Outcome =
  | { readonly status: "admitted" }
  | { readonly status: "refused"; readonly code: string; readonly retryAfter?: number };
/** Where the gateway says nothing better. */
const RETRY_MS = 50;

/** Hands transactions to gateways as a busy client does: over kept connections, many in one request. */
export class Submitter {
  readonly #gateways: readonly Gateway[];
  /** Refusals by code: backpressure is one of them. */
  readonly refusals = new Map<string, number>();

  constructor(gateways: readonly string[]) {
    this.#gateways = gateways.map((url) => ({
      pool: new Pool(url, { connections: IN_FLIGHT }),
      waiting: [],
      inFlight: 0,
    }));
  }

  /** Milliseconds after which to send it again; undefined if the gateway took it. Each account keeps to one gateway. */
  submit(number: number, bytes: Uint8Array): Promise<number | undefined> {
    const gateway = this.#gateways[number % this.#gateways.length]!;
    return new Promise((resolve, reject) => {
      gateway.waiting.push({ bytes, resolve, reject });
      if (gateway.waiting.length === 1) setImmediate(() => this.#pump(gateway));
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map(({ pool }) => pool.close()));
  }

  #pump(gateway: Gateway): void {
    while (gateway.inFlight < IN_FLIGHT && gateway.waiting.length > 0) {
      const batch = gateway.waiting.splice(0, BULK);
      gateway.inFlight += 1;
      this.#send(gateway.pool, batch)
        .catch((error: unknown) => {
          for (const { reject } of batch) reject(error);
        })
        .finally(() => {
          gateway.inFlight -= 1;
          this.#pump(gateway);
        });
    }
  }

  async #send(pool: Pool, batch: readonly Waiting[]): Promise<void> {
    const { statusCode, headers, body } = await pool.request({
      method: "POST",
      path: "/v1/transactions/batch",
      headers: { "content-type": "application/octet-stream" },
      body: encode(
        BulkCodec,
        batch.map(({ bytes }) => bytes),
      ),
    });
    const answer = (await body.json()) as { outcomes?: Outcome[]; code?: string };
    const retryAfter = Number(headers["retry-after"]);
    for (const [i, { resolve }] of batch.entries()) {
      const outcome: Outcome = answer.outcomes?.[i] ?? {
        status: "refused",
        code: answer.code ?? `HTTP_${statusCode}`,
        retryAfter,
      };
      if (outcome.status === "admitted") {
        resolve(undefined);
        continue;
      }
      this.refusals.set(outcome.code, (this.refusals.get(outcome.code) ?? 0) + 1);
      resolve(1000 * (outcome.retryAfter ?? 0) || RETRY_MS);
    }
  }
}
