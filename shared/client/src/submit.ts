import { SomaError } from "@soma/base";
import type { AccountKey } from "@soma/identity";
import type { Digest, TransactionKindInput } from "@soma/protocol";
import type { GatewayClient } from "./gateway-client.ts";

export interface SubmitOptions {
  readonly client: GatewayClient;
  readonly account: AccountKey;
  readonly chainId: string;
  readonly kind: TransactionKindInput;
  /** Base units to the block's author. */
  readonly tip?: bigint;
  /** Epochs from now in which it may still execute. */
  readonly lifetimeEpochs?: bigint;
}

export interface SignedSubmission {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** Signs a transaction with the account's next sequence number, as the gateway reports it. */
export async function prepareTransaction(options: SubmitOptions): Promise<SignedSubmission> {
  const { client, account, chainId, kind } = options;
  const [view, head] = await Promise.all([client.account(account.address), client.head()]);
  if (head.chainId !== chainId) {
    throw new SomaError("CLIENT_CHAIN", `the gateway serves ${head.chainId}, the genesis is of ${chainId}`);
  }
  return account.sign({
    chainId,
    sequence: view.sequence,
    expiryEpoch: head.epoch + (options.lifetimeEpochs ?? 2n),
    tip: options.tip ?? 0n,
    kind,
  });
}

/**
 * Sends a signed transaction and waits until it was executed; sending one that is known already is harmless.
 * @returns the commit that executed it
 * @throws SomaError with the ledger's or mempool's code if it was refused, CLIENT_TIMEOUT
 */
export async function sendAndWait(
  client: GatewayClient,
  transaction: SignedSubmission,
  timeoutMs = 30_000,
): Promise<bigint> {
  const deadline = Date.now() + timeoutMs;
  await client.submitTransaction(transaction.bytes);
  for (;;) {
    const left = deadline - Date.now();
    if (left <= 0) {
      throw new SomaError(
        "CLIENT_TIMEOUT",
        `transaction ${transaction.digest} was not executed in ${timeoutMs} ms`,
      );
    }
    const wait = { ms: Math.min(left, 5_000), until: "executed" } as const;
    const view = await client.transaction(transaction.digest, wait);
    if (view.status === "unknown") {
      // A mempool that lost it (restart of its operator) takes it again.
      await client.submitTransaction(transaction.bytes).catch((error: unknown) => {
        if (!(error instanceof SomaError) || !/SEQUENCE|KNOWN|EXECUTED/.test(error.code)) throw error;
      });
      continue;
    }
    if (view.refusal) {
      throw new SomaError(view.refusal, `the ledger refused transaction ${transaction.digest}`);
    }
    return view.commit!;
  }
}

/** `prepareTransaction` and `sendAndWait`. A sequence number that someone else just used is read again, thrice. */
export async function submit(options: SubmitOptions): Promise<{ digest: Digest; commit: bigint }> {
  for (let attempt = 1; ; attempt++) {
    const transaction = await prepareTransaction(options);
    try {
      return { digest: transaction.digest, commit: await sendAndWait(options.client, transaction) };
    } catch (error) {
      if (!(error instanceof SomaError) || !error.code.includes("SEQUENCE") || attempt === 3) throw error;
    }
  }
}
