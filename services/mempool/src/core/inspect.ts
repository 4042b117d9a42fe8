import { err, ok, type Result } from "@soma/base";
import {
  type Address,
  openSignedTransaction,
  type SignedTransaction,
  transactionDigest,
} from "@soma/protocol";

/** A decoded transaction whose signature has still to be checked. */
export interface Inspected {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly sender: Address;
  readonly sequence: bigint;
  readonly tip: bigint;
  readonly expiryEpoch: bigint;
  readonly signed: SignedTransaction;
  /** What its account signs. */
  readonly signingBytes: Uint8Array;
}

/**
 * What can be said of a transaction before its signature and account are looked up, so that neither is spent on
 * rubbish. Refusals: MEMPOOL_MALFORMED, MEMPOOL_CHAIN, MEMPOOL_EXPIRED.
 */
export function inspect(bytes: Uint8Array, chainId: string, epoch: bigint): Result<Inspected> {
  const opened = openSignedTransaction(bytes);
  if (!opened.ok) return err("MEMPOOL_MALFORMED", opened.message);
  const { signed, signingBytes } = opened.value;
  const { transaction } = signed;
  if (transaction.chainId !== chainId) return err("MEMPOOL_CHAIN", `of chain ${transaction.chainId}`);
  if (transaction.expiryEpoch < epoch) return err("MEMPOOL_EXPIRED", `the epoch is ${epoch}`);
  return ok({
    bytes,
    digest: transactionDigest(chainId, bytes),
    sender: transaction.sender,
    sequence: transaction.sequence,
    tip: transaction.tip,
    expiryEpoch: transaction.expiryEpoch,
    signed,
    signingBytes,
  });
}
