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

/** Whether an account's sequence number was used otherwise: signed anew, the transaction may pass. */
export function isSequenceTaken(error: unknown): boolean {
  return error instanceof SomaError && /^(MEMPOOL_)?SEQUENCE_(STALE|TAKEN)$/.test(error.code);
}

/** Whether the ledger itself took the transaction and refused what it asks: it cannot execute any more. */
export function isLedgerRefusal(error: unknown): error is SomaError {
  return error instanceof SomaError && error.details["refusedBy"] === "ledger";
}

/** Milliseconds in which a gateway should know how a transaction ended that its mempool says is past. */
const KNOWN_WITHIN_MS = 1_000;
const ASK_AGAIN_MS = 2_000;
const PAUSE_MS = 100;

/** Hands it to a mempool. One that was executed already is past for the mempool, and no failure. */
async function handIn(client: GatewayClient, { bytes, digest }: SignedSubmission): Promise<void> {
  try {
    await client.submitTransaction(bytes);
  } catch (error) {
    if (!isSequenceTaken(error)) throw error;
    const { status } = await client.transaction(digest, { ms: KNOWN_WITHIN_MS, until: "executed" });
    if (status === "unknown") throw error;
  }
}

/**
 * Sends a signed transaction and waits until it was executed; sending one that is known or executed already is
 * harmless. Each time that nothing is heard of it, the next gateway gets it too.
 * @returns the commit that executed it
 * @throws SomaError with the ledger's or mempool's code if it was refused, CLIENT_TIMEOUT
 */
export async function sendAndWait(
  client: GatewayClient,
  transaction: SignedSubmission,
  timeoutMs = 30_000,
): Promise<bigint> {
  const { digest } = transaction;
  const deadline = Date.now() + timeoutMs;
  await handIn(client, transaction);
  for (;;) {
    const left = deadline - Date.now();
    if (left <= 0) {
      throw new SomaError("CLIENT_TIMEOUT", `transaction ${digest} was not executed in ${timeoutMs} ms`);
    }
    const view = await client.transaction(digest, { ms: Math.min(left, ASK_AGAIN_MS), until: "executed" });
    if (view.status === "unknown") {
      client.http.moveOn();
      // Gateways that answer at once are not asked without a pause.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      await handIn(client, transaction);
      continue;
    }
    if (view.refusal) {
      throw new SomaError(view.refusal, `the ledger refused transaction ${digest}`, { refusedBy: "ledger" });
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
      if (!isSequenceTaken(error) || attempt === 3) throw error;
    }
  }
}
