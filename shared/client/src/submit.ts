import { SomaError } from "@soma/base";
import type { AccountKey } from "@soma/identity";
import type { Address, Digest, TransactionKindInput } from "@soma/protocol";
import pRetry, { AbortError } from "p-retry";
import { noTurn, type Turn } from "./account-turns.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { isNumberUsedByAnother, transactionOf } from "./sequence-number.ts";

export interface SubmitOptions {
  readonly client: GatewayClient;
  readonly account: AccountKey;
  readonly chainId: string;
  readonly kind: TransactionKindInput;
  /** Base units to the block's author. */
  readonly tip?: bigint;
  /** Epochs from now in which it may still execute. */
  readonly lifetimeEpochs?: bigint;
  /** The present epoch, if the caller knows better than to ask a gateway. */
  readonly epoch?: bigint;
}

export interface SignedSubmission {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** Where and when a transaction of an account can execute. */
export interface TransactionTerms {
  readonly chainId: string;
  readonly sequence: bigint;
  readonly expiryEpoch: bigint;
}

/** The account's next sequence number, as the gateway reports it. @throws SomaError CLIENT_CHAIN */
export async function transactionTerms(
  options: Pick<SubmitOptions, "client" | "chainId" | "lifetimeEpochs" | "epoch"> & {
    readonly address: Address;
  },
): Promise<TransactionTerms> {
  const { client, address, chainId } = options;
  const [view, head] = await Promise.all([client.account(address), client.head()]);
  if (head.chainId !== chainId) {
    throw new SomaError("CLIENT_CHAIN", `the gateway serves ${head.chainId}, the genesis is of ${chainId}`);
  }
  const expiryEpoch = (options.epoch ?? head.epoch) + (options.lifetimeEpochs ?? 2n);
  return { chainId, sequence: view.sequence, expiryEpoch };
}

/** Signs a transaction with the account's next sequence number. @throws SomaError CLIENT_CHAIN */
export async function prepareTransaction(options: SubmitOptions): Promise<SignedSubmission> {
  const { account, kind } = options;
  const terms = await transactionTerms({ ...options, address: account.address });
  return account.sign({ ...terms, tip: options.tip ?? 0n, kind });
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

/** Milliseconds in which another transaction with the same sequence number should be executed. */
const FREE_WITHIN_MS = 15_000;

export interface PatientOptions {
  /** What to send in place of one whose sequence number another used; undefined while that is not certain. */
  readonly replace: (taken: SignedSubmission) => Promise<SignedSubmission | undefined>;
  /** Which failures are waited upon, `isSequenceTaken` if undefined. */
  readonly isWaitedUpon?: (error: unknown) => boolean;
  /** Milliseconds, 15 000 if undefined. */
  readonly withinMs?: number | undefined;
}

/**
 * `sendAndWait`, and while another transaction of the account has the sequence number, again: until that is executed
 * and `replace` gives one with the next number. Ends with the refusal after `withinMs` of it.
 */
export function sendPatiently(
  client: GatewayClient,
  transaction: SignedSubmission,
  { replace, isWaitedUpon = isSequenceTaken, withinMs = FREE_WITHIN_MS }: PatientOptions,
): Promise<{ digest: Digest; commit: bigint }> {
  let current = transaction;
  const send = async () => {
    try {
      return { digest: current.digest, commit: await sendAndWait(client, current) };
    } catch (error) {
      throw isWaitedUpon(error) || !(error instanceof Error) ? error : new AbortError(error);
    }
  };
  const attempt = async () => {
    try {
      return await send();
    } catch (error) {
      const next = error instanceof AbortError ? undefined : await replace(current);
      if (next === undefined) throw error;
      current = next;
      return send();
    }
  };
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 100,
    factor: 1.5,
    maxTimeout: 1_000,
    maxRetryTime: withinMs,
  }).catch((error: unknown) => {
    throw isSequenceTaken(error) ? stillTaken(error as SomaError, current) : error;
  });
}

function stillTaken(cause: SomaError, transaction: SignedSubmission): SomaError {
  const { sequence } = transactionOf(transaction);
  return new SomaError(
    cause.code,
    `another transaction of this account has sequence number ${sequence}, and was not executed in time. Wait until soma account shows a higher number, then run the same command again; a higher tip than the other's takes its place`,
    { sequence },
    { cause },
  );
}

/**
 * Signs, sends, and waits until it was executed, in the account's turn. If another transaction of the account came
 * first, it waits for that and signs anew. @throws as `sendAndWait`
 */
export function submit(
  options: SubmitOptions & { readonly turn?: Turn },
): Promise<{ digest: Digest; commit: bigint }> {
  const { client, turn = noTurn } = options;
  return turn(async () => {
    const replace = async (taken: SignedSubmission) =>
      (await isNumberUsedByAnother(client.http.gateways, taken, client.http.fetch))
        ? prepareTransaction(options)
        : undefined;
    return sendPatiently(client, await prepareTransaction(options), { replace });
  });
}
