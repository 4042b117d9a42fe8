export { isPrimeOrder, isSmallOrder } from "./ed25519-key.ts";
export { aggregateBls, BlsKey } from "./native/bls.ts";
export { Ed25519Key } from "./native/ed25519.ts";
export { selfTestEd25519 } from "./native/ed25519-self-test.ts";
export { sha256Native } from "./native/sha256.ts";
export { ltExpandNative } from "./native/shake128.ts";
export { SignaturePool, type SignaturePoolOptions } from "./native/signature-pool.ts";
export { nativeVerifier } from "./native/verifier.ts";
export { VrfKey } from "./native/vrf.ts";
