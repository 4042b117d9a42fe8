import type { SignatureVerifier } from "./verifier.ts";

/** A message and those who must have signed it, all of them, under one scheme. Nobody is not enough. */
export interface SignatureItem {
  readonly scheme: "Ed25519" | "Bls";
  readonly message: Uint8Array;
  readonly signers: readonly { readonly publicKey: Uint8Array; readonly signature: Uint8Array }[];
}

/** A BLS check takes as long as so many of Ed25519: 1.4 ms. */
const BLS_COST = 32;

/** What an item costs to check, in Ed25519 checks. */
export function signatureCost({ scheme, signers }: SignatureItem): number {
  return scheme === "Bls" ? BLS_COST * signers.length : signers.length;
}

/** Whether all signed. Never throws; wrong widths are just invalid. */
export function verifyItem(
  { scheme, message, signers }: SignatureItem,
  verifier: Pick<SignatureVerifier, "ed25519" | "bls">,
): boolean {
  if (signers.length === 0) return false;
  return scheme === "Bls"
    ? signers.every(({ publicKey, signature }) => verifier.bls([publicKey], message, signature))
    : signers.every(({ publicKey, signature }) => verifier.ed25519(publicKey, message, signature));
}
