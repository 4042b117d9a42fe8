import { toHex } from "@soma/base";
import { merklePaths, merkleRoot } from "@soma/crypto";
import {
  CheckpointLeafCodec,
  type CheckpointLeafInput,
  checkpointDigest,
  decodeSignedTransaction,
  encodeReceipt,
  encodeSignedTransaction,
  type LedgerEvent,
  type ReceiptFact,
  type ReceiptLink,
  type TransactionKind,
  type TransactionKindInput,
  transactionDigest,
} from "@soma/protocol";
import type { TestReceipt } from "./build.ts";

type FactName = "payment" | "selection" | "bundle" | "close";

/** What a forged transaction leaf says instead; whatever is missing stays. */
export interface Forgery {
  readonly kind?: (kind: TransactionKind) => TransactionKindInput;
  readonly events?: (events: readonly LedgerEvent[]) => LedgerEvent[];
  readonly refusal?: string;
}

/**
 * The receipt that a dishonest quorum of validators could make: one of its transactions is another, its leaf says
 * other things, and every checkpoint from there on is signed anew. Only what a verifier recomputes can refuse it.
 */
export function forgeFact(receipt: TestReceipt, name: FactName, forgery: Forgery): Uint8Array {
  const { content, ledger } = receipt;
  const { link, proof } = content[name];
  const leaf = CheckpointLeafCodec.parse(proof.leaf);
  if (leaf.$kind !== "Transaction") throw new RangeError("only a transaction's leaf can be forged");
  const decoded = decodeSignedTransaction(proof.transaction);
  if (!decoded.ok) throw new Error(decoded.message);
  const signed = decoded.value;
  const kind = forgery.kind?.(signed.transaction.kind) ?? signed.transaction.kind;
  const transaction = encodeSignedTransaction({ ...signed, transaction: { ...signed.transaction, kind } });
  const forged: CheckpointLeafInput = {
    Transaction: {
      ...leaf.Transaction,
      digest: transactionDigest(ledger.chainId, transaction),
      events: forgery.events?.(leaf.Transaction.events) ?? leaf.Transaction.events,
      refusal: forgery.refusal ?? leaf.Transaction.refusal,
    },
  };
  const sequence = content.chain[link]!.certificate.checkpoint.sequence;
  const leaves = [...ledger.checkpoints[Number(sequence) - 1]!.leaves];
  leaves[proof.index] = CheckpointLeafCodec.serialize(forged).toBytes();
  const chain = signAnew(receipt, link, toHex(merkleRoot(leaves)));

  // Other facts of the same checkpoint have new paths to its new root.
  const moved = (fact: ReceiptFact): ReceiptFact => {
    if (fact.link !== link) return fact;
    const path = merklePaths(leaves, [fact.proof.index])[0]!;
    const same = fact.proof.index === proof.index;
    return {
      link,
      proof: { ...fact.proof, path, ...(same ? { leaf: leaves[proof.index]!, transaction } : {}) },
    };
  };
  return encodeReceipt({
    ...content,
    chain,
    payment: moved(content.payment),
    draw: moved(content.draw),
    selection: moved(content.selection),
    bundle: moved(content.bundle),
    close: moved(content.close),
  });
}

function signAnew({ content, ledger }: TestReceipt, from: number, effectsRoot: string): ReceiptLink[] {
  const chain: ReceiptLink[] = [];
  for (const [i, link] of content.chain.entries()) {
    const { checkpoint } = link.certificate;
    const before = chain.at(-1)?.certificate.checkpoint;
    const follows = before !== undefined && checkpoint.sequence === before.sequence + 1n;
    const changed = {
      ...checkpoint,
      ...(i === from ? { effectsRoot } : {}),
      ...(follows ? { previous: checkpointDigest(ledger.chainId, before) } : {}),
    };
    chain.push({ ...link, certificate: ledger.certify(changed, [0, 1, 3]) });
  }
  return chain;
}
