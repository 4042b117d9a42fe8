import { addressOfEd25519, encodeSignedTransaction, type SignedTransactionInput } from "@soma/protocol";
import { type Inspected, inspect } from "./inspect.ts";

// Transactions for the tests of this folder: a number for the sender, no real signature.
export const CHAIN = "test";
export const RICH = { balance: 1_000_000_000n, sequence: 0n };

interface Change {
  readonly chainId?: string;
  readonly expiryEpoch?: bigint;
  /** Bytes by which it is larger than others. */
  readonly padding?: number;
}

export function bytesOf(key: number, sequence: number, tip = 0n, change: Change = {}): Uint8Array {
  const { padding, ...other } = change;
  const publicKey = new Uint8Array(32);
  publicKey.set([key & 255, key >> 8]);
  const kind =
    padding === undefined
      ? ({ Transfer: { to: "00".repeat(32), amount: 1n } } as const)
      : ({ SubmitEquivocation: { first: new Uint8Array(padding), second: new Uint8Array() } } as const);
  const signed: SignedTransactionInput = {
    transaction: {
      chainId: CHAIN,
      sender: addressOfEd25519(publicKey),
      sequence: BigInt(sequence),
      expiryEpoch: 5n,
      tip,
      kind,
      ...other,
    },
    authenticator: { policy: { Ed25519: { publicKey } }, signers: 1, signatures: [new Uint8Array(64)] },
  };
  return encodeSignedTransaction(signed);
}

export function inspected(key: number, sequence: number, tip = 0n, change: Change = {}): Inspected {
  const result = inspect(bytesOf(key, sequence, tip, change), CHAIN, 1n);
  if (!result.ok) throw new Error(result.code);
  return result.value;
}
