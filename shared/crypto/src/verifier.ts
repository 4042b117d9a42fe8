/**
 * The signature checks that rules need, as a table of deterministic functions of their arguments: a shell
 * hands the native one to its pure cores. None throws, whatever the bytes; wrong widths are just invalid.
 */
export interface SignatureVerifier {
  /** Ed25519: 32-byte key, 64-byte signature. One implementation decides for all validators. */
  ed25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;

  /**
   * BLS12-381 FastAggregateVerify, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_: 48-byte keys in
   * G1, 96-byte signature in G2, all checked for subgroup and infinity. A key listed twice counts twice, and
   * no keys is false. Sound only over keys whose possession has been proved.
   */
  bls(publicKeys: readonly Uint8Array[], message: Uint8Array, aggregate: Uint8Array): boolean;

  /** PopVerify of the same suite: a 96-byte proof that the registrant holds the secret of its key. */
  blsPossession(publicKey: Uint8Array, proof: Uint8Array): boolean;

  /** ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381): the 64-byte output, or null if the 80-byte proof is invalid. */
  vrf(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Uint8Array | null;
}
