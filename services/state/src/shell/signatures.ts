import { type Ed25519Item, type Ed25519Pool, nativeVerifier } from "@soma/crypto/native";
import {
  addressOf,
  concernsJob,
  type Digest,
  openSignedTransaction,
  type SignedTransaction,
  transactionDigest,
  verifyAuthenticator,
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

/** LEDGER-3 for whole commits: single Ed25519 keys on worker threads, the rare other policies here. */
export async function checkSignatures(
  chainId: string,
  pool: Ed25519Pool,
  commit: DecidedCommit,
): Promise<CheckedCommit> {
  const items: Ed25519Item[] = [];
  const asked: { signatureValid: boolean }[] = [];
  const transactions = commit.transactions.map(({ author, bytes }) => {
    const digest = transactionDigest(chainId, bytes);
    const opened = openSignedTransaction(bytes);
    if (!opened.ok) return { bytes, digest, signed: null, author, signatureValid: false, isJob: false };
    const { signed, signingBytes } = opened.value;
    const item = ed25519Item(signed, signingBytes);
    const signatureValid = item === undefined && verifyAuthenticator(signed, nativeVerifier).ok;
    const isJob = concernsJob(signed.transaction.kind);
    const checked = { bytes, digest, signed, author, signatureValid, isJob };
    if (item !== undefined) {
      items.push(item);
      asked.push(checked);
    }
    return checked;
  });
  const decisions = items.length === 0 ? new Uint8Array() : await pool.verifyBatch(items);
  for (const [i, checked] of asked.entries()) checked.signatureValid = decisions[i] === 1;
  return { ...commit, transactions };
}

/** What a worker must verify for the common policy; undefined for what `verifyAuthenticator` must judge. */
function ed25519Item(
  { transaction, authenticator }: SignedTransaction,
  message: Uint8Array,
): Ed25519Item | undefined {
  const { policy, signers, signatures } = authenticator;
  const signature = signatures[0];
  if (policy.Ed25519 === undefined || signers !== 1 || signatures.length !== 1 || signature === undefined) {
    return undefined;
  }
  if (addressOf(policy) !== transaction.sender) return undefined;
  return { publicKey: policy.Ed25519.publicKey, message, signature };
}
