/** The chain id of every pre-image in conformance (CONFORMANCE.md). */
export const CHAIN_ID = "test";
