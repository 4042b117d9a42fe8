import type { SignatureVerifier } from "../verifier.ts";
import { verifyBlsPossession } from "./bls.ts";
import { verifyBls } from "./bls-verifier.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { verifyVrf } from "./vrf.ts";

/** The verifier of every service: libsodium for Ed25519 and VRF, blst for BLS. */
export const nativeVerifier: SignatureVerifier = {
  ed25519: verifyEd25519,
  bls: verifyBls,
  blsPossession: verifyBlsPossession,
  vrf: verifyVrf,
};
