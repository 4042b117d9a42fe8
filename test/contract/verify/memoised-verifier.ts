import type { SignatureVerifier } from "@soma/crypto";
import { nativeVerifier } from "@soma/crypto/native";

/**
 * The native verifier, asked only once about the same bytes: thousands of changed receipts share all signatures
 * but one.
 */
export function memoisedVerifier(): SignatureVerifier {
  const known = new Map<string, boolean>();
  const once = (parts: readonly Uint8Array[], ask: () => boolean): boolean => {
    const key = parts.map((part) => Buffer.from(part).toString("base64")).join(" ");
    const answer = known.get(key) ?? ask();
    known.set(key, answer);
    return answer;
  };
  return {
    ...nativeVerifier,
    ed25519: (key, message, signature) =>
      once([key, message, signature], () => nativeVerifier.ed25519(key, message, signature)),
    bls: (keys, message, aggregate) =>
      once([...keys, message, aggregate], () => nativeVerifier.bls(keys, message, aggregate)),
  };
}
