import { fromHex } from "@soma/base";
import { Ed25519Key } from "@soma/crypto/native";
import {
  type Address,
  addressOfEd25519,
  type Digest,
  encodeSignedTransaction,
  type TransactionInput,
  transactionDigest,
  transactionSigningBytes,
} from "@soma/protocol";

/** An account under one Ed25519 key. */
export class AccountKey {
  readonly address: Address;
  readonly #key: Ed25519Key;

  constructor(key: Ed25519Key) {
    this.#key = key;
    this.address = addressOfEd25519(key.publicKey);
  }

  /** @throws RangeError unless `seed` is 32 bytes in hex. */
  static fromSeed(seed: string): AccountKey {
    return new AccountKey(Ed25519Key.fromSeed(fromHex(seed)));
  }

  get publicKey(): Uint8Array {
    return this.#key.publicKey;
  }

  /** This key's signature of a transaction of another account, which it is a member of; 64 bytes. */
  cosign(transaction: TransactionInput): Uint8Array {
    return this.#key.sign(transactionSigningBytes(transaction.chainId, transaction));
  }

  /** Signs a transaction of this account and returns its canonical bytes and digest. */
  sign(transaction: Omit<TransactionInput, "sender">): { bytes: Uint8Array; digest: Digest } {
    const full = { ...transaction, sender: this.address };
    const signature = this.#key.sign(transactionSigningBytes(transaction.chainId, full));
    const bytes = encodeSignedTransaction({
      transaction: full,
      authenticator: {
        policy: { Ed25519: { publicKey: this.#key.publicKey } },
        signers: 1,
        signatures: [signature],
      },
    });
    return { bytes, digest: transactionDigest(transaction.chainId, bytes) };
  }
}
