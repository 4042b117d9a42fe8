import { type Ed25519Item, type Ed25519Pool, nativeVerifier } from "@soma/crypto/native";
import {
  addressOf,
  concernsJob,
  type Digest,
  decodeSignedTransaction,
  type SignedTransaction,
  transactionDigest,
  transactionSigningBytes,
  verifyAuthenticator,
} from "@soma/protocol";
import type { DecidedCommit } from "./commit-assembler.ts";

/** A transaction of a commit, judged as far as it can be without the ledger. */
export interface CheckedTransaction {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
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
  const places: number[] = [];
  const checked = commit.transactions.map(({ author, bytes }, place) => {
    const digest = transactionDigest(chainId, bytes);
    const decoded = decodeSignedTransaction(bytes);
    if (!decoded.ok) return { bytes, digest, author, signatureValid: false, isJob: false };
    const signed = decoded.value;
    const item = ed25519Item(signed);
    if (item !== undefined) {
      items.push(item);
      places.push(place);
    }
    const signatureValid = item === undefined && verifyAuthenticator(signed, nativeVerifier).ok;
    return { bytes, digest, author, signatureValid, isJob: concernsJob(signed.transaction.kind) };
  });
  const decisions = items.length === 0 ? new Uint8Array() : await pool.verifyBatch(items);
  for (const [i, place] of places.entries()) {
    if (decisions[i] === 1) checked[place] = { ...checked[place]!, signatureValid: true };
  }
  return { ...commit, transactions: checked };
}

/** What a worker must verify for the common policy; undefined for what `verifyAuthenticator` must judge. */
export function ed25519Item({ transaction, authenticator }: SignedTransaction): Ed25519Item | undefined {
  const { policy, signers, signatures } = authenticator;
  const signature = signatures[0];
  if (policy.Ed25519 === undefined || signers !== 1 || signatures.length !== 1 || signature === undefined) {
    return undefined;
  }
  if (addressOf(policy) !== transaction.sender) return undefined;
  return {
    publicKey: Uint8Array.from(policy.Ed25519.publicKey),
    message: transactionSigningBytes(transaction.chainId, transaction),
    signature,
  };
}
