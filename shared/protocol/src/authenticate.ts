import { err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import { addressOf, MAX_MULTISIG_KEYS } from "./account.ts";
import { type SignedTransaction, transactionSigningBytes } from "./transaction.ts";

/**
 * LEDGER-3: whether the account of `sender` signed the transaction: the policy hashes to the address, and the
 * policy's signatures verify. Deterministic, so that every validator refuses the same transactions. Refusals:
 * AUTH_ADDRESS, AUTH_POLICY (a malformed multi-sig), AUTH_SIGNERS, AUTH_SIGNATURE.
 */
export function verifyAuthenticator(signed: SignedTransaction, verifier: SignatureVerifier): Result<true> {
  const { transaction, authenticator } = signed;
  const { policy, signers, signatures } = authenticator;
  if (addressOf(policy) !== transaction.sender) {
    return err("AUTH_ADDRESS", "the policy is not the sender's");
  }
  const message = transactionSigningBytes(transaction.chainId, transaction);
  if (policy.MultiSig === undefined) {
    const signature = signatures[0];
    if (signers !== 1 || signatures.length !== 1 || signature === undefined) {
      return err("AUTH_SIGNERS", "a single key signs once");
    }
    const valid =
      policy.Ed25519 !== undefined
        ? verifier.ed25519(Uint8Array.from(policy.Ed25519.publicKey), message, signature)
        : verifier.bls([Uint8Array.from(policy.Bls.publicKey)], message, signature);
    return valid ? ok(true) : err("AUTH_SIGNATURE", "the signature does not verify");
  }
  const { threshold } = policy.MultiSig;
  const keys = [...policy.MultiSig.publicKeys].map((key) => Uint8Array.from(key));
  const distinct = new Set(keys.map((key) => key.join()));
  if (
    keys.length < 1 ||
    keys.length > MAX_MULTISIG_KEYS ||
    distinct.size !== keys.length ||
    threshold < 1 ||
    threshold > keys.length
  ) {
    return err("AUTH_POLICY", "a multi-sig has 1 to 32 distinct keys and a threshold among them");
  }
  const signing = keys.filter((_, i) => ((signers >>> i) & 1) === 1);
  if (keys.length < 32 && signers >>> keys.length !== 0) return err("AUTH_SIGNERS", "no such key");
  if (signing.length < threshold || signing.length !== signatures.length) {
    return err("AUTH_SIGNERS", `${signing.length} keys signed, ${threshold} must`);
  }
  const valid = signing.every((key, i) => verifier.ed25519(key, message, signatures[i]!));
  return valid ? ok(true) : err("AUTH_SIGNATURE", "a signature does not verify");
}
