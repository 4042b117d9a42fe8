import { BlsKey, Ed25519Key, nativeVerifier } from "@soma/crypto/native";
import { describe, expect, test } from "vitest";
import { type AccountPolicy, addressOf } from "./account.ts";
import { verifyAuthenticator } from "./authenticate.ts";
import { decodeSignedTransaction, encodeSignedTransaction, transactionSigningBytes } from "./transaction.ts";

const keys = [1, 2, 3].map((n) => Ed25519Key.fromSeed(new Uint8Array(32).fill(n)));
const bls = BlsKey.fromSeed(new Uint8Array(32).fill(9));
const ed = (i: number): AccountPolicy => ({ Ed25519: { publicKey: keys[i]!.publicKey } });
const multi = (threshold: number, publicKeys = keys.map((key) => key.publicKey)): AccountPolicy => ({
  MultiSig: { threshold, publicKeys },
});

interface Case {
  readonly policy: AccountPolicy;
  readonly signers: number;
  readonly by: readonly { sign(message: Uint8Array): Uint8Array }[];
  readonly sender?: string;
}

function outcome({ policy, signers, by, sender = addressOf(policy) }: Case): string {
  const transaction = {
    chainId: "test",
    sender,
    sequence: 0n,
    expiryEpoch: 0n,
    tip: 0n,
    kind: { Transfer: { to: "00".repeat(32), amount: 1n } },
  };
  const message = transactionSigningBytes("test", transaction);
  const signatures = by.map((key) => key.sign(message));
  const bytes = encodeSignedTransaction({ transaction, authenticator: { policy, signers, signatures } });
  const decoded = decodeSignedTransaction(bytes);
  if (!decoded.ok) throw new Error(decoded.code);
  const verified = verifyAuthenticator(decoded.value, nativeVerifier);
  return verified.ok ? "" : verified.code;
}

describe("LEDGER-3", () => {
  test.each<[string, Case, string]>([
    ["one key", { policy: ed(0), signers: 1, by: [keys[0]!] }, ""],
    ["another's key", { policy: ed(0), signers: 1, by: [keys[1]!] }, "AUTH_SIGNATURE"],
    [
      "another's address",
      { policy: ed(0), signers: 1, by: [keys[0]!], sender: addressOf(ed(1)) },
      "AUTH_ADDRESS",
    ],
    ["two signatures of one key", { policy: ed(0), signers: 1, by: [keys[0]!, keys[0]!] }, "AUTH_SIGNERS"],
    ["other signer bits", { policy: ed(0), signers: 3, by: [keys[0]!] }, "AUTH_SIGNERS"],
    ["BLS", { policy: { Bls: { publicKey: bls.publicKey } }, signers: 1, by: [bls] }, ""],
    ["two of three", { policy: multi(2), signers: 0b101, by: [keys[0]!, keys[2]!] }, ""],
    ["three of two", { policy: multi(2), signers: 0b111, by: keys }, ""],
    ["one of two", { policy: multi(2), signers: 0b001, by: [keys[0]!] }, "AUTH_SIGNERS"],
    ["in another order", { policy: multi(2), signers: 0b101, by: [keys[2]!, keys[0]!] }, "AUTH_SIGNATURE"],
    ["a bit of no key", { policy: multi(2), signers: 0b1011, by: [keys[0]!, keys[1]!] }, "AUTH_SIGNERS"],
    [
      "fewer signatures than bits",
      { policy: multi(2), signers: 0b111, by: [keys[0]!, keys[1]!] },
      "AUTH_SIGNERS",
    ],
    ["threshold 0", { policy: multi(0), signers: 0, by: [] }, "AUTH_POLICY"],
    ["threshold above the keys", { policy: multi(4), signers: 0b111, by: keys }, "AUTH_POLICY"],
    [
      "one key twice",
      { policy: multi(2, [keys[0]!.publicKey, keys[0]!.publicKey]), signers: 0b11, by: [keys[0]!, keys[0]!] },
      "AUTH_POLICY",
    ],
    [
      "33 keys",
      {
        policy: multi(
          1,
          Array.from({ length: 33 }, (_, i) => new Uint8Array(32).fill(i)),
        ),
        signers: 1,
        by: [keys[0]!],
      },
      "AUTH_POLICY",
    ],
  ])("%s", (_, given, code) => {
    expect(outcome(given)).toBe(code);
  });
});
