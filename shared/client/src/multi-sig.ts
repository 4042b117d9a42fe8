import { compareHex, err, fromHex, ok, type Result, toHex } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { isSmallOrder } from "@soma/crypto";
import { nativeVerifier } from "@soma/crypto/native";
import type { AccountKey } from "@soma/identity";
import {
  type Address,
  addressOf,
  type Digest,
  encodeSignedTransaction,
  MAX_MULTISIG_KEYS,
  MAX_TRANSACTION_BYTES,
  type Transaction,
  TransactionCodec,
  type TransactionInput,
  transactionDigest,
  transactionSigningBytes,
} from "@soma/protocol";

/** An account that `threshold` of its keys control (LEDGER-3); public keys as hex, in the order of the policy. */
export interface MultiSigAccount {
  readonly address: Address;
  readonly threshold: number;
  readonly publicKeys: readonly string[];
}

/**
 * The account of these keys, 32 bytes in hex each. In another order they would be another account: they are sorted, so
 * that everybody who names the same keys means the same one. Refusals: MULTISIG_KEYS, MULTISIG_THRESHOLD, KEY_WEAK.
 */
export function multiSigAccount(threshold: number, publicKeys: readonly string[]): Result<MultiSigAccount> {
  return accountOfPolicy(threshold, [...publicKeys].sort(compareHex));
}

/** The same with the keys in the order given. */
function accountOfPolicy(threshold: number, publicKeys: readonly string[]): Result<MultiSigAccount> {
  const count = publicKeys.length;
  if (count < 1 || count > MAX_MULTISIG_KEYS || new Set(publicKeys).size !== count) {
    return err("MULTISIG_KEYS", `a multi-sig has 1 to ${MAX_MULTISIG_KEYS} keys, each once`);
  }
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > count) {
    return err("MULTISIG_THRESHOLD", `of ${count} keys 1 to ${count} sign`);
  }
  // Anybody could sign for such a key.
  const weak = publicKeys.find((key) => isSmallOrder(fromHex(key)));
  if (weak !== undefined) return err("KEY_WEAK", `${weak} is of small order, so that it protects nothing`);
  const policy = { MultiSig: { threshold, publicKeys: publicKeys.map(fromHex) } };
  return ok({ address: addressOf(policy), threshold, publicKeys });
}

/** What a `MultiSigTransaction` is kept as between its signers. Bytes as hex. */
export interface MultiSigDraft {
  readonly transaction: string;
  readonly threshold: number;
  readonly publicKeys: readonly string[];
  /** By public key. */
  readonly signatures: Readonly<Record<string, string>>;
}

/** A transaction of a multi-sig account on its way from signer to signer. It holds valid signatures of members alone. */
export class MultiSigTransaction {
  readonly account: MultiSigAccount;
  readonly transaction: Transaction;
  readonly #bytes: Uint8Array;
  readonly #signatures = new Map<string, Uint8Array>();

  private constructor(account: MultiSigAccount, bytes: Uint8Array) {
    this.account = account;
    this.transaction = TransactionCodec.parse(bytes);
    this.#bytes = bytes;
  }

  /** Nobody has signed it yet. */
  static unsigned(
    account: MultiSigAccount,
    transaction: Omit<TransactionInput, "sender">,
  ): MultiSigTransaction {
    return new MultiSigTransaction(
      account,
      encode(TransactionCodec, { ...transaction, sender: account.address }),
    );
  }

  /**
   * Refusals: CODEC_*, those of `multiSigAccount`, MULTISIG_SENDER (the transaction is not the account's),
   * MULTISIG_STRANGER (a signature of no member), MULTISIG_SIGNATURE (one that does not hold: the transaction is not what
   * was signed).
   */
  static restore(draft: MultiSigDraft): Result<MultiSigTransaction> {
    const account = accountOfPolicy(draft.threshold, draft.publicKeys);
    if (!account.ok) return account;
    const bytes = fromHex(draft.transaction);
    const decoded = decodeExact(TransactionCodec, bytes, MAX_TRANSACTION_BYTES);
    if (!decoded.ok) return decoded;
    if (decoded.value.sender !== account.value.address) {
      return err(
        "MULTISIG_SENDER",
        `the transaction is of ${decoded.value.sender}, not of these keys' account`,
      );
    }
    const restored = new MultiSigTransaction(account.value, bytes);
    for (const [key, signature] of Object.entries(draft.signatures)) {
      const added = restored.add(key, fromHex(signature));
      if (!added.ok) return added;
    }
    return ok(restored);
  }

  get draft(): MultiSigDraft {
    const { threshold, publicKeys } = this.account;
    const signatures = Object.fromEntries(
      this.signers.map((key) => [key, toHex(this.#signatures.get(key)!)]),
    );
    return { transaction: toHex(this.#bytes), threshold, publicKeys, signatures };
  }

  /** Public keys of those who signed, in the order of the policy. */
  get signers(): string[] {
    return this.account.publicKeys.filter((key) => this.#signatures.has(key));
  }

  /** Signatures that it lacks. */
  get missing(): number {
    return Math.max(0, this.account.threshold - this.#signatures.size);
  }

  /** Signing twice changes nothing. Refuses with MULTISIG_STRANGER for a key of somebody else. */
  sign(key: AccountKey): Result<true> {
    return this.add(toHex(key.publicKey), key.cosign(this.transaction));
  }

  /** Takes the signatures of another copy. Refuses with MULTISIG_OTHER if that is of another transaction. */
  merge(other: MultiSigTransaction): Result<true> {
    if (toHex(other.#bytes) !== toHex(this.#bytes) || other.account.address !== this.account.address) {
      return err("MULTISIG_OTHER", "the files are of different transactions");
    }
    for (const [key, signature] of other.#signatures) this.#signatures.set(key, signature);
    return ok(true);
  }

  /** Refusals: MULTISIG_STRANGER, MULTISIG_SIGNATURE. */
  add(publicKey: string, signature: Uint8Array): Result<true> {
    if (!this.account.publicKeys.includes(publicKey)) {
      return err("MULTISIG_STRANGER", `${publicKey} is no key of account ${this.account.address}`);
    }
    const message = transactionSigningBytes(this.transaction.chainId, this.transaction);
    if (!nativeVerifier.ed25519(fromHex(publicKey), message, signature)) {
      return err(
        "MULTISIG_SIGNATURE",
        `the signature of ${publicKey} does not hold: what it signed was changed`,
      );
    }
    this.#signatures.set(publicKey, signature);
    return ok(true);
  }

  /** What a gateway takes: as many signatures as are needed. Refuses with MULTISIG_MISSING. */
  signed(): Result<{ readonly bytes: Uint8Array; readonly digest: Digest }> {
    const { threshold, publicKeys } = this.account;
    if (this.missing > 0) {
      return err("MULTISIG_MISSING", `${this.signers.length} of ${threshold} signatures are there`);
    }
    const signing = this.signers.slice(0, threshold);
    let signers = 0;
    for (const key of signing) signers |= 1 << publicKeys.indexOf(key);
    const bytes = encodeSignedTransaction({
      transaction: this.transaction,
      authenticator: {
        policy: { MultiSig: { threshold, publicKeys: publicKeys.map(fromHex) } },
        signers: signers >>> 0,
        signatures: signing.map((key) => this.#signatures.get(key)!),
      },
    });
    return ok({ bytes, digest: transactionDigest(this.transaction.chainId, bytes) });
  }
}
