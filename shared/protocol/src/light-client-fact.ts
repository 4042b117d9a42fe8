import { err, fromHex, ok, type Result } from "@soma/base";
import { bcs, byteString, decodeExact, u32 } from "@soma/codec";
import { verifyMerklePath } from "@soma/crypto";
import {
  type Checkpoint,
  type CheckpointLeaf,
  CheckpointLeafCodec,
  type CommitLeaf,
  type LedgerEvent,
  type TransactionLeaf,
} from "./checkpoint.ts";
import type { Digest } from "./ids.ts";
import { decodeSignedTransaction, type SignedTransaction, transactionDigest } from "./transaction.ts";

const MAX_LEAF_BYTES = 256 * 1024;

export const LeafProofCodec = bcs.struct("LeafProof", {
  /** Place among the checkpoint's leaves. */
  index: u32,
  /** BCS of `CheckpointLeaf`. */
  leaf: byteString,
  /** MERKLE-1, from the leaf upward. */
  path: bcs.vector(bcs.bytes(32)),
  /** The signed bytes of a transaction leaf's transaction; empty for the other leaves. */
  transaction: byteString,
});
/** A claim that a leaf stands under a checkpoint's root, with the transaction that it is about. */
export type LeafProof = typeof LeafProofCodec.$inferType;

/** A transaction that the ledger executed or refused, proved. */
export interface VerifiedTransaction {
  readonly leaf: TransactionLeaf;
  readonly bytes: Uint8Array;
  readonly signed: SignedTransaction;
}

/** What deadlines a commit passed, and what followed from that. */
export interface VerifiedDeadline {
  readonly commit: bigint;
  readonly events: readonly LedgerEvent[];
}

/** A proved fact of the ledger. */
export type VerifiedFact =
  | { readonly kind: "commit"; readonly commit: bigint; readonly leaf: CommitLeaf }
  | { readonly kind: "transaction"; readonly commit: bigint; readonly transaction: VerifiedTransaction }
  | { readonly kind: "deadline"; readonly commit: bigint; readonly deadline: VerifiedDeadline }
  /** The commit was executed or settled by this override's digest, not by the rules alone. */
  | { readonly kind: "override"; readonly commit: bigint; readonly override: Digest };

/**
 * Checks a leaf against its checkpoint's root and count and decodes it. Refusals: LEAF_PROOF (the path does not
 * lead to the root), CODEC_*.
 */
export function provenLeaf(
  checkpoint: Checkpoint,
  { leaf, index, path }: Omit<LeafProof, "transaction">,
): Result<CheckpointLeaf> {
  const root = fromHex(checkpoint.effectsRoot);
  if (!verifyMerklePath({ leaf, index, count: checkpoint.leaves, path, root })) {
    return err("LEAF_PROOF", `the path of leaf ${index} does not lead to the root`);
  }
  return decodeExact(CheckpointLeafCodec, leaf, MAX_LEAF_BYTES);
}

/**
 * `provenLeaf`, with the transaction that a transaction leaf names. Refusals: also LEAF_TRANSACTION (bytes that
 * are not the leaf's transaction, or bytes where the leaf has none), LEAF_COMMIT (of a later commit than the
 * checkpoint covers).
 */
export function provenFact(chainId: string, checkpoint: Checkpoint, proof: LeafProof): Result<VerifiedFact> {
  const leaf = provenLeaf(checkpoint, proof);
  if (!leaf.ok) return leaf;
  const fact = factOf(chainId, leaf.value, proof.transaction);
  if (fact.ok && fact.value.commit > checkpoint.commitIndex) {
    return err("LEAF_COMMIT", `commit ${fact.value.commit} is after checkpoint ${checkpoint.sequence}`);
  }
  return fact;
}

function factOf(chainId: string, leaf: CheckpointLeaf, bytes: Uint8Array): Result<VerifiedFact> {
  if (leaf.$kind === "Transaction") {
    if (transactionDigest(chainId, bytes) !== leaf.Transaction.digest) {
      return err("LEAF_TRANSACTION", "the bytes are not the leaf's transaction");
    }
    const signed = decodeSignedTransaction(bytes);
    if (!signed.ok) return signed;
    const transaction = { leaf: leaf.Transaction, bytes, signed: signed.value };
    return ok({ kind: "transaction", commit: leaf.Transaction.commit, transaction });
  }
  if (bytes.length > 0) return err("LEAF_TRANSACTION", "only a transaction's leaf has a transaction");
  if (leaf.$kind === "Commit") return ok({ kind: "commit", commit: leaf.Commit.index, leaf: leaf.Commit });
  if (leaf.$kind === "Override") return ok({ kind: "override", ...leaf.Override });
  return ok({ kind: "deadline", commit: leaf.Deadline.commit, deadline: leaf.Deadline });
}
