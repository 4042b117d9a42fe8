import { toHex, utf8 } from "@soma/base";
import { bcs, byteString, encode, u16, u32 } from "@soma/codec";
import { sha256 } from "@soma/crypto";
import type { Address } from "./ids.ts";

/** How an account is controlled (LEDGER-3). The policy's bytes determine the address. */
export const AccountPolicyCodec = bcs.enum("AccountPolicy", {
  Ed25519: bcs.struct("Ed25519Policy", { publicKey: bcs.bytes(32) }),
  MultiSig: bcs.struct("MultiSigPolicy", { threshold: u16, publicKeys: bcs.vector(bcs.bytes(32)) }),
  Bls: bcs.struct("BlsPolicy", { publicKey: bcs.bytes(48) }),
});
export type AccountPolicy = typeof AccountPolicyCodec.$inferInput;

export const AuthenticatorCodec = bcs.struct("Authenticator", {
  policy: AccountPolicyCodec,
  /** MultiSig: bit i (from the lowest) set if key i signed. 1 for the other schemes. */
  signers: u32,
  /** One signature a signer, in the order of the keys: 64 bytes (Ed25519) or 96 (BLS). */
  signatures: bcs.vector(byteString),
});
export type Authenticator = typeof AuthenticatorCodec.$inferType;

/** Most keys of a multi-sig account (LEDGER-3). */
export const MAX_MULTISIG_KEYS = 32;

/** SHA-256 of "soma.address", 0x00, and the policy's bytes. */
export function addressOf(policy: AccountPolicy): Address {
  return toHex(sha256(utf8("soma.address\0"), encode(AccountPolicyCodec, policy)));
}

export function addressOfEd25519(publicKey: Uint8Array): Address {
  return addressOf({ Ed25519: { publicKey } });
}
