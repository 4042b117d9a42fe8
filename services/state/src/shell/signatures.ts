import type { Sliced } from "@soma/base";
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
import type { Turns } from "@soma/runtime";
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

/** Signatures that are handed to the threads at a time, while the next transactions are being decoded. */
const HANDED = 256;

/** LEDGER-3 for whole commits: `verifyAuthenticator` of each, with the signatures on worker threads. */
export async function checkSignatures(
  chainId: string,
  pool: SignaturePool,
  turns: Turns,
  commit: DecidedCommit,
): Promise<CheckedCommit> {
  const checks: Promise<void>[] = [];
  const check = (asked: readonly Asked[]) => {
    if (asked.length === 0) return;
    const checked = pool.verifyBatch(asked.map(({ item }) => item)).then((decisions) => {
      for (const [i, { of }] of asked.entries()) of.signatureValid = decisions[i] === 1;
    });
    // Seen below, when all transactions are decoded; until then nobody listens.
    checked.catch(() => undefined);
    checks.push(checked);
  };
  const transactions = await turns.run(openTransactions(chainId, commit, check));
  await Promise.all(checks);
  return { ...commit, transactions };
}

interface Asked {
  readonly item: SignatureItem;
  readonly of: { signatureValid: boolean };
}

function* openTransactions(
  chainId: string,
  commit: DecidedCommit,
  check: (asked: readonly Asked[]) => void,
): Sliced<CheckedTransaction[]> {
  const transactions: CheckedTransaction[] = [];
  let asked: Asked[] = [];
  for (const { author, bytes } of commit.transactions) {
    const digest = transactionDigest(chainId, bytes);
    const opened = openSignedTransaction(bytes);
    if (opened.ok) {
      const { signed, signingBytes } = opened.value;
      const isJob = concernsJob(signed.transaction.kind);
      const checked = { bytes, digest, signed, author, signatureValid: false, isJob };
      transactions.push(checked);
      const required = requiredSignatures(signed, signingBytes);
      if (required.ok) asked.push({ item: required.value, of: checked });
    } else {
      transactions.push({ bytes, digest, signed: null, author, signatureValid: false, isJob: false });
    }
    if (asked.length === HANDED) {
      check(asked);
      asked = [];
    }
    yield;
  }
  check(asked);
  return transactions;
}
