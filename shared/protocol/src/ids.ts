/** 32 bytes as 64 lower-case hex digits; the form of every id and digest in memory. Sorts as the bytes do. */
export type Hex32 = string;

/** An account: H("soma.address", scheme and public keys). Not bound to a chain, so that one key has one address. */
export type Address = Hex32;
/** A validator is named by the address of the account that registered it. */
export type ValidatorId = Address;
/** An encoder is named by the address of the account that registered it. */
export type EncoderId = Address;
export type Digest = Hex32;
/** A job is named by the digest of the transaction that pays for it. */
export type JobId = Digest;
/** Base units: 10^9 to a token (ARITH-1). */
export type Amount = bigint;

export const TOKEN = 1_000_000_000n;
