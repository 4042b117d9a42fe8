import { BlsKey, Ed25519Key, nativeVerifier, SignaturePool } from "@soma/crypto/native";
import {
  type AccountPolicy,
  addressOf,
  decodeSignedTransaction,
  encodeSignedTransaction,
  MAX_MULTISIG_KEYS,
  NO_COMMIT,
  type SignedTransactionInput,
  transactionSigningBytes,
  verifyAuthenticator,
} from "@soma/protocol";
import { Turns } from "@soma/runtime";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DecidedCommit } from "./commit-assembler.ts";
import { checkSignatures } from "./signatures.ts";

const CHAIN_ID = "signatures-test";
const KEYS = Array.from({ length: MAX_MULTISIG_KEYS }, (_, i) =>
  Ed25519Key.fromSeed(new Uint8Array(32).fill(i + 1)),
);
const BLS_KEYS = [1, 2].map((n) => BlsKey.fromSeed(new Uint8Array(32).fill(n)));

let pool: SignaturePool;
beforeAll(async () => {
  pool = await SignaturePool.open({ workers: 2, maxPending: Number.MAX_SAFE_INTEGER });
});
afterAll(() => pool.close());

interface Signer {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** An account, and those of its keys that sign. */
interface Account {
  readonly policy: AccountPolicy;
  readonly signers: number;
  readonly by: readonly Signer[];
}

function signedBy({ policy, signers, by }: Account, amount: bigint): SignedTransactionInput {
  const transaction = {
    chainId: CHAIN_ID,
    sender: addressOf(policy),
    sequence: 0n,
    expiryEpoch: 9n,
    tip: 0n,
    kind: { Transfer: { to: NO_COMMIT, amount } },
  };
  const message = transactionSigningBytes(CHAIN_ID, transaction);
  return { transaction, authenticator: { policy, signers, signatures: by.map((key) => key.sign(message)) } };
}

const single = fc
  .constantFrom(...KEYS.slice(0, 4))
  .map((key): Account => ({ policy: { Ed25519: { publicKey: key.publicKey } }, signers: 1, by: [key] }));
const bls = fc
  .constantFrom(...BLS_KEYS)
  .map((key): Account => ({ policy: { Bls: { publicKey: key.publicKey } }, signers: 1, by: [key] }));
const multiSig = fc
  .record({
    keys: fc.shuffledSubarray(KEYS, { minLength: 1 }),
    signing: fc.array(fc.boolean(), { minLength: MAX_MULTISIG_KEYS, maxLength: MAX_MULTISIG_KEYS }),
    below: fc.nat(31),
  })
  .map(({ keys, signing, below }): Account => {
    const by = keys.filter((_, i) => i === 0 || signing[i]);
    const bits = keys.reduce((sum, _, i) => (i === 0 || signing[i] ? sum + 2 ** i : sum), 0);
    const threshold = Math.max(1, by.length - below);
    const policy = { MultiSig: { threshold, publicKeys: keys.map(({ publicKey }) => publicKey) } };
    return { policy, signers: bits, by };
  });

/** Each makes what was valid invalid, whatever account it is of. A policy is broken before it signs. */
const BREAKS: Record<
  string,
  (given: SignedTransactionInput, at: number, account: Account) => SignedTransactionInput
> = {
  sender: (given) => withTransaction(given, { sender: "ab".repeat(32) }),
  "what was signed": (given) => withTransaction(given, { tip: 1n }),
  "the chain": (given) => withTransaction(given, { chainId: "another" }),
  "signer bits": (given, at) => {
    const { signers } = given.authenticator;
    return withAuthenticator(given, { signers: (signers ^ (1 << (at % 32))) >>> 0 });
  },
  "a signature's bit": (given, at) =>
    withSignatures(given, (signatures) => {
      const changed = Uint8Array.from(signatures[at % signatures.length]!);
      changed[at % changed.length]! ^= 1 << (at % 8);
      return signatures.with(at % signatures.length, changed);
    }),
  "a signature's length": (given, at) =>
    withSignatures(given, (signatures) =>
      signatures.with(at % signatures.length, signatures[at % signatures.length]!.slice(1)),
    ),
  "one signature more": (given) => withSignatures(given, (signatures) => [...signatures, signatures[0]!]),
  "one signature less": (given) => withSignatures(given, (signatures) => signatures.slice(1)),
  "no signature": (given) => withSignatures(given, () => []),
  "the policy's scheme": (_, at, account) => {
    const publicKey = BLS_KEYS[0]!.publicKey.slice(0, 32);
    return signedBy({ ...account, policy: { Ed25519: { publicKey } } }, BigInt(at));
  },
  "a key's bit": (_, at, account) =>
    signedBy({ ...account, policy: policyWithBit(account.policy, at) }, BigInt(at)),
};

/** Policies that no account may have: with the address that they would have, and valid signatures. */
const BAD_POLICIES = fc.constantFrom<Account>(
  { policy: { MultiSig: { threshold: 0, publicKeys: [KEYS[0]!.publicKey] } }, signers: 0, by: [] },
  { policy: { MultiSig: { threshold: 2, publicKeys: [KEYS[0]!.publicKey] } }, signers: 1, by: [KEYS[0]!] },
  { policy: { MultiSig: { threshold: 0, publicKeys: [] } }, signers: 0, by: [] },
  {
    policy: { MultiSig: { threshold: 1, publicKeys: [KEYS[0]!.publicKey, KEYS[0]!.publicKey] } },
    signers: 3,
    by: [KEYS[0]!, KEYS[0]!],
  },
  {
    policy: {
      MultiSig: {
        threshold: 1,
        publicKeys: [...KEYS, BLS_KEYS[0]!].map((key) => key.publicKey.slice(0, 32)),
      },
    },
    signers: 1,
    by: [KEYS[0]!],
  },
  { policy: { Bls: { publicKey: new Uint8Array(48) } }, signers: 1, by: [BLS_KEYS[0]!] },
);

interface Sample {
  readonly signed: SignedTransactionInput;
  readonly isValid: boolean;
}

const sample: fc.Arbitrary<Sample> = fc.oneof(
  fc
    .record({
      account: fc.oneof({ weight: 3, arbitrary: multiSig }, single, bls),
      broken: fc.option(fc.constantFrom(...Object.values(BREAKS))),
      at: fc.nat(10_000),
    })
    .map(({ account, broken, at }) => {
      const signed = signedBy(account, BigInt(at));
      return broken === null
        ? { signed, isValid: true }
        : { signed: broken(signed, at, account), isValid: false };
    }),
  BAD_POLICIES.map((account) => ({ signed: signedBy(account, 1n), isValid: false })),
);

describe("LEDGER-3 on worker threads", () => {
  test("decides each of a commit as verifyAuthenticator does, valid or broken in any field", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { minLength: 1, maxLength: 24 }), async (samples) => {
        const bytes = samples.map(({ signed }) => encodeSignedTransaction(signed));
        const { transactions } = await checkSignatures(CHAIN_ID, pool, new Turns(), commitOf(bytes));
        const decided = transactions.map(({ signatureValid }) => signatureValid);
        expect(decided).toEqual(samples.map(({ isValid }) => isValid));
        expect(decided).toEqual(
          bytes.map((some) => {
            const decoded = decodeSignedTransaction(some);
            return decoded.ok && verifyAuthenticator(decoded.value, nativeVerifier).ok;
          }),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("decides each of a commit that is handed to the threads in pieces", async () => {
    const account = { policy: { Ed25519: { publicKey: KEYS[0]!.publicKey } }, signers: 1, by: [KEYS[0]!] };
    const valid = encodeSignedTransaction(signedBy(account, 1n));
    const broken = encodeSignedTransaction(Object.values(BREAKS)[0]!(signedBy(account, 2n), 2, account));
    const bytes = Array.from({ length: 1_000 }, (_, i) =>
      i % 7 === 0 ? Uint8Array.of(i) : i % 3 === 0 ? broken : valid,
    );
    const { transactions } = await checkSignatures(CHAIN_ID, pool, new Turns(), commitOf(bytes));
    expect(transactions.map((checked) => checked.bytes)).toEqual(bytes);
    expect(transactions.map(({ signatureValid }) => signatureValid)).toEqual(
      bytes.map((some) => some === valid),
    );
    expect(transactions.map(({ signed }) => signed !== null)).toEqual(bytes.map((some) => some.length > 2));
  });

  test("each kind of break is decided alone too, where no thread is asked", async () => {
    const account = { policy: { Ed25519: { publicKey: KEYS[0]!.publicKey } }, signers: 1, by: [KEYS[0]!] };
    for (const [name, broken] of Object.entries(BREAKS)) {
      const bytes = encodeSignedTransaction(broken(signedBy(account, 3n), 3, account));
      const { transactions } = await checkSignatures(CHAIN_ID, pool, new Turns(), commitOf([bytes]));
      expect([name, transactions[0]!.signatureValid]).toEqual([name, false]);
    }
  });
});

function commitOf(transactions: readonly Uint8Array[]): DecidedCommit {
  return {
    commit: {
      epoch: 0n,
      index: 1n,
      previous: NO_COMMIT,
      timestampMs: 0n,
      leader: { round: 1, author: 0, digest: NO_COMMIT },
      blocks: [],
    },
    digest: NO_COMMIT,
    beacon: NO_COMMIT,
    transactions: transactions.map((bytes) => ({ author: 0, bytes })),
  };
}

function withTransaction(
  { transaction, authenticator }: SignedTransactionInput,
  change: Partial<SignedTransactionInput["transaction"]>,
): SignedTransactionInput {
  return { transaction: { ...transaction, ...change }, authenticator };
}

function withAuthenticator(
  { transaction, authenticator }: SignedTransactionInput,
  change: Partial<SignedTransactionInput["authenticator"]>,
): SignedTransactionInput {
  return { transaction, authenticator: { ...authenticator, ...change } };
}

function withSignatures(
  given: SignedTransactionInput,
  change: (signatures: Uint8Array[]) => Uint8Array[],
): SignedTransactionInput {
  const signatures = [...given.authenticator.signatures].map((signature) => Uint8Array.from(signature));
  return withAuthenticator(given, { signatures: change(signatures) });
}

function policyWithBit(policy: AccountPolicy, at: number): AccountPolicy {
  const flipped = (bytes: Iterable<number>) => {
    const changed = Uint8Array.from(bytes);
    changed[at % changed.length]! ^= 1 << (at % 8);
    return changed;
  };
  if ("Ed25519" in policy) return { Ed25519: { publicKey: flipped(policy.Ed25519!.publicKey) } };
  if ("Bls" in policy) return { Bls: { publicKey: flipped(policy.Bls!.publicKey) } };
  const { threshold, publicKeys } = policy.MultiSig!;
  const [first, ...others] = publicKeys;
  return { MultiSig: { threshold, publicKeys: [flipped(first!), ...others] } };
}
