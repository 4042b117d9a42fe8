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

/** Connections to one gateway: what a busy client would hold. */
const CONNECTIONS = 64;

/** Hands transactions to gateways over kept connections. */
export class Submitter {
  readonly #pools: readonly Pool[];
  /** Refusals by code: backpressure is one of them. */
  readonly refusals = new Map<string, number>();

  constructor(gateways: readonly string[]) {
    this.#pools = gateways.map((url) => new Pool(url, { connections: CONNECTIONS }));
  }

  /** Whether the gateway took it; each account keeps to one gateway. */
  async submit(gateway: number, bytes: Uint8Array): Promise<boolean> {
    const { statusCode, body } = await this.#pools[gateway % this.#pools.length]!.request({
      method: "POST",
      path: "/v1/transactions",
      headers: { "content-type": "application/octet-stream" },
      body: bytes,
    });
    const text = await body.text();
    if (statusCode === 202) return true;
    const { code } = JSON.parse(text) as { code: string };
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    return false;
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }
}
