import type { TransactionKindInput } from "@soma/protocol";
import { type Actor, TOKENIZER } from "./test-chain.ts";

/** What the tests of the ledger send. */
export const transfer = (to: string, amount: bigint): TransactionKindInput => ({ Transfer: { to, amount } });

/** An encoder's registration; `prover` signs the possession of its key. */
export function registration(actor: Actor, prover = actor): TransactionKindInput {
  return {
    RegisterEncoder: {
      messageKey: actor.key.publicKey,
      blsKey: actor.bls.publicKey,
      blsPossession: prover.bls.possessionProof(),
      asks: [{ modality: 0, pricePerByte: 100n, tokenizer: TOKENIZER }],
      commissionBps: 500,
    },
  };
}

export const encoderRole = { Encoder: true } as const;
export const validatorRole = { Validator: true } as const;
