import type { SignatureItem } from "@soma/crypto";
import type { SignaturePool } from "@soma/crypto/native";
import {
  concernsJob,
  type Digest,
  openSignedTransaction,
  requiredSignatures,
  type SignedTransaction,
  transactionDigest,
} from "@soma/protocol";
import type { DecidedCommit } from "./commit-assembler.ts";

/** A transaction of a commit, judged as far as it can be without the ledger. */
export interface CheckedTransaction {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Null if it does not decode. */
  readonly signed: SignedTransaction | null;
  /** Index of the block's author in the epoch's committee. */
  readonly author: number;
  readonly signatureValid: boolean;
  /** It belongs to an embedding job. */
  readonly isJob: boolean;
}

/** A commit whose transactions' signatures are checked, or being checked. */
export interface CheckedCommit extends Omit<DecidedCommit, "transactions"> {
  readonly transactions: readonly CheckedTransaction[];
}

/** LEDGER-3 for whole commits: `verifyAuthenticator` of each, with the signatures on worker threads. */
export async function checkSignatures(
  chainId: string,
  pool: SignaturePool,
  commit: DecidedCommit,
): Promise<CheckedCommit> {
  const items: SignatureItem[] = [];
  const asked: { signatureValid: boolean }[] = [];
  const transactions = commit.transactions.map(({ author, bytes }) => {
    const digest = transactionDigest(chainId, bytes);
    const opened = openSignedTransaction(bytes);
    if (!opened.ok) return { bytes, digest, signed: null, author, signatureValid: false, isJob: false };
    const { signed, signingBytes } = opened.value;
    const isJob = concernsJob(signed.transaction.kind);
    const checked = { bytes, digest, signed, author, signatureValid: false, isJob };
    const required = requiredSignatures(signed, signingBytes);
    if (required.ok) {
      items.push(required.value);
      asked.push(checked);
    }
    return checked;
  });
  const decisions = items.length === 0 ? new Uint8Array() : await pool.verifyBatch(items);
  for (const [i, checked] of asked.entries()) checked.signatureValid = decisions[i] === 1;
  return { ...commit, transactions };
}
