import { err, ok, type Result, toHex } from "@soma/base";
import { type SignatureItem, type SignatureVerifier, verifyItem } from "@soma/crypto";
import { type Authenticator, addressOf, MAX_MULTISIG_KEYS } from "./account.ts";
import { type SignedTransaction, transactionSigningBytes } from "./transaction.ts";

/**
 * LEDGER-3: whether the account of `sender` signed the transaction: the policy hashes to the address, and the
 * policy's signatures verify. Deterministic, so that every validator refuses the same transactions. Refusals:
 * those of `requiredSignatures`, AUTH_SIGNATURE.
 */
export function verifyAuthenticator(signed: SignedTransaction, verifier: SignatureVerifier): Result<true> {
  const { transaction } = signed;
  const required = requiredSignatures(signed, transactionSigningBytes(transaction.chainId, transaction));
  if (!required.ok) return required;
  return verifyItem(required.value, verifier)
    ? ok(true)
    : err("AUTH_SIGNATURE", "a signature does not verify");
}

/**
 * All of `verifyAuthenticator` but the signatures, for whoever checks those elsewhere: what must verify. `message` is
 * `transactionSigningBytes`. Refusals: AUTH_ADDRESS, AUTH_POLICY (a malformed multi-sig), AUTH_SIGNERS.
 */
export function requiredSignatures(
  { transaction, authenticator }: SignedTransaction,
  message: Uint8Array,
): Result<SignatureItem> {
  const { policy } = authenticator;
  if (addressOf(policy) !== transaction.sender) {
    return err("AUTH_ADDRESS", "the policy is not the sender's");
  }
  const signers =
    policy.MultiSig === undefined ? singleSigner(authenticator) : signersOf(policy.MultiSig, authenticator);
  if (!signers.ok) return signers;
  return ok({ scheme: policy.Bls === undefined ? "Ed25519" : "Bls", message, signers: signers.value });
}

type Signers = SignatureItem["signers"];
type MultiSigPolicy = NonNullable<Authenticator["policy"]["MultiSig"]>;

function singleSigner({ policy, signers, signatures }: Authenticator): Result<Signers> {
  const { publicKey } = policy.Ed25519 ?? policy.Bls!;
  const [signature] = signatures;
  if (signers !== 1 || signatures.length !== 1 || signature === undefined) {
    return err("AUTH_SIGNERS", "a single key signs once");
  }
  return ok([{ publicKey, signature }]);
}

function signersOf(
  { threshold, publicKeys }: MultiSigPolicy,
  { signers, signatures }: Authenticator,
): Result<Signers> {
  const count = publicKeys.length;
  if (
    count < 1 ||
    count > MAX_MULTISIG_KEYS ||
    new Set(publicKeys.map(toHex)).size !== count ||
    threshold < 1 ||
    threshold > count
  ) {
    return err("AUTH_POLICY", "a multi-sig has 1 to 32 distinct keys and a threshold among them");
  }
  const signing = publicKeys.filter((_, i) => ((signers >>> i) & 1) === 1);
  if (count < 32 && signers >>> count !== 0) return err("AUTH_SIGNERS", "no such key");
  if (signing.length < threshold || signing.length !== signatures.length) {
    return err("AUTH_SIGNERS", `${signing.length} keys signed, ${threshold} must`);
  }
  return ok(signing.map((publicKey, i) => ({ publicKey, signature: signatures[i]! })));
}
