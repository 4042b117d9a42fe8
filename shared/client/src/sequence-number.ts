import { SomaError } from "@soma/base";
import { decodeSignedTransaction, type Transaction } from "@soma/protocol";
import { GatewayClient } from "./gateway-client.ts";
import type { SignedSubmission } from "./submit.ts";

/** Milliseconds for one gateway, of which all are asked at once. */
const ANSWER_WITHIN_MS = 3_000;

/** @throws SomaError JOURNAL_UNREADABLE for bytes that are no transaction */
export function transactionOf({ bytes }: Pick<SignedSubmission, "bytes">): Transaction {
  const signed = decodeSignedTransaction(bytes);
  if (!signed.ok) throw new SomaError("JOURNAL_UNREADABLE", `a stored transaction: ${signed.message}`);
  return signed.value.transaction;
}

/** Asks each gateway by itself; those that do not answer are left out. */
export async function askEach<T>(
  gateways: readonly string[],
  question: (client: GatewayClient) => Promise<T>,
  fetch = globalThis.fetch,
): Promise<T[]> {
  const options = { retries: 0, timeoutMs: ANSWER_WITHIN_MS, fetch };
  const answers = await Promise.allSettled(
    gateways.map((gateway) => question(new GatewayClient({ gateways: [gateway], ...options }))),
  );
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
}

/**
 * Whether another transaction used this one's sequence number, so that it may be signed anew with the next. More than
 * half of the gateways that answer must have passed the number without it, and none may know it: one that lies or
 * lags does not have the same thing done twice.
 */
export async function isNumberUsedByAnother(
  gateways: readonly string[],
  taken: SignedSubmission,
  fetch = globalThis.fetch,
): Promise<boolean> {
  const { sender, sequence } = transactionOf(taken);
  const answers = await askEach(
    gateways,
    async (client) => {
      // In this order: a number that was past already when the transaction is looked for was not used by it.
      const { sequence: next } = await client.account(sender);
      const { status } = await client.transaction(taken.digest);
      return { isPast: next > sequence, isKnown: status !== "unknown" };
    },
    fetch,
  );
  if (answers.some(({ isKnown }) => isKnown)) return false;
  return 2 * answers.filter(({ isPast }) => isPast).length > answers.length;
}
