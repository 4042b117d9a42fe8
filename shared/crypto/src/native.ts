export { aggregateBls, BlsKey } from "./native/bls.ts";
export { Ed25519Key } from "./native/ed25519.ts";
export { sha256Native } from "./native/sha256.ts";
export { nativeVerifier } from "./native/verifier.ts";
export { VrfKey } from "./native/vrf.ts";
