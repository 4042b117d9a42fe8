export { isPrimeOrder, isSmallOrder } from "./ed25519-key.ts";
export { domain, sha256, taggedHash } from "./hash.ts";
export { type LtExpand, LtHash } from "./lt-hash.ts";
export {
  type MerkleProof,
  merklePath,
  merklePaths,
  merkleRoot,
  merkleRootSliced,
  verifyMerklePath,
} from "./merkle.ts";
export { type SignatureItem, signatureCost, verifyItem } from "./signature-item.ts";
export type { SignatureVerifier } from "./verifier.ts";
export { vrfProve, vrfVerify } from "./vrf.ts";
