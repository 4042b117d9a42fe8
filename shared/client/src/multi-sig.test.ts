import { fromHex, toHex } from "@soma/base";
import { nativeVerifier } from "@soma/crypto/native";
import { AccountKey } from "@soma/identity";
import { decodeSignedTransaction, TransactionCodec, verifyAuthenticator } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { type MultiSigDraft, MultiSigTransaction, multiSigAccount } from "./multi-sig.ts";

const keys = [1, 2, 3, 4].map((n) => AccountKey.fromSeed(n.toString(16).padStart(64, "0")));
const [ann, bob, cam, stranger] = keys as [AccountKey, AccountKey, AccountKey, AccountKey];
const hexOf = (key: AccountKey) => toHex(key.publicKey);
const MEMBERS = [ann, bob, cam].map(hexOf);
const body = {
  chainId: "test",
  sequence: 3n,
  expiryEpoch: 9n,
  tip: 0n,
  kind: { Transfer: { to: "aa".repeat(32), amount: 5n } },
};

function value<T>(result: { ok: true; value: T } | { ok: false; code: string; message: string }): T {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

const account = value(multiSigAccount(2, MEMBERS));
const unsigned = () => MultiSigTransaction.unsigned(account, body);
const codeOf = (result: { ok: boolean; code?: string }) => (result.ok ? "" : result.code);

describe("LEDGER-3: multi-sig accounts", () => {
  test("the same keys are the same account in any order, and another threshold is another account", () => {
    expect(value(multiSigAccount(2, MEMBERS.toReversed()))).toEqual(account);
    expect(value(multiSigAccount(3, MEMBERS)).address).not.toBe(account.address);
  });

  test.each<[string, number, readonly string[]]>([
    ["MULTISIG_KEYS", 1, []],
    ["MULTISIG_KEYS", 2, [MEMBERS[0]!, MEMBERS[0]!]],
    ["MULTISIG_KEYS", 1, Array.from({ length: 33 }, (_, n) => n.toString(16).padStart(64, "0"))],
    ["MULTISIG_THRESHOLD", 0, MEMBERS],
    ["MULTISIG_THRESHOLD", 4, MEMBERS],
    ["MULTISIG_THRESHOLD", 1.5, MEMBERS],
    ["KEY_WEAK", 1, [MEMBERS[0]!, "01".padEnd(64, "0")]],
  ])("%s for %d of %j", (code, threshold, publicKeys) => {
    expect(multiSigAccount(threshold, publicKeys)).toMatchObject({ ok: false, code });
  });

  test("signed by enough on separate copies it is what the ledger takes, whoever they are", () => {
    for (const [first, second] of [
      [ann, bob],
      [cam, ann],
      [bob, cam],
    ] as const) {
      const [one, other] = [unsigned(), unsigned()];
      value(one.sign(first));
      value(other.sign(second));
      expect(one.signed()).toMatchObject({ code: "MULTISIG_MISSING" });
      const restored = value(MultiSigTransaction.restore(one.draft));
      value(restored.merge(other));
      expect(restored.missing).toBe(0);
      const signed = value(decodeSignedTransaction(value(restored.signed()).bytes));
      expect(verifyAuthenticator(signed, nativeVerifier)).toMatchObject({ ok: true });
    }
  });

  test("one who signs twice is one signer, and more than enough are too many for the ledger's bytes", () => {
    const transaction = unsigned();
    value(transaction.sign(ann));
    value(transaction.sign(ann));
    expect(transaction.missing).toBe(1);
    for (const key of [bob, cam]) value(transaction.sign(key));
    expect(transaction.signers).toHaveLength(3);
    const signed = value(decodeSignedTransaction(value(transaction.signed()).bytes));
    expect(signed.authenticator.signatures).toHaveLength(2);
    expect(verifyAuthenticator(signed, nativeVerifier).ok).toBe(true);
  });

  test("a stranger signs nothing, and copies of different transactions do not merge", () => {
    expect(unsigned().sign(stranger)).toMatchObject({ code: "MULTISIG_STRANGER" });
    const other = MultiSigTransaction.unsigned(account, { ...body, sequence: 4n });
    expect(unsigned().merge(other)).toMatchObject({ code: "MULTISIG_OTHER" });
  });

  test.each<[string, (draft: MultiSigDraft) => MultiSigDraft]>([
    [
      "MULTISIG_SIGNATURE",
      (draft) => {
        const transaction = TransactionCodec.parse(fromHex(draft.transaction));
        const more = { ...transaction, kind: { Transfer: { to: "aa".repeat(32), amount: 6n } } };
        return { ...draft, transaction: toHex(TransactionCodec.encode(more)) };
      },
    ],
    ["MULTISIG_SENDER", (draft) => ({ ...draft, threshold: 1 })],
    ["MULTISIG_SENDER", (draft) => ({ ...draft, publicKeys: draft.publicKeys.toReversed() })],
    [
      "MULTISIG_STRANGER",
      (draft) => ({ ...draft, signatures: { [hexOf(stranger)]: Object.values(draft.signatures)[0]! } }),
    ],
    [
      "MULTISIG_SIGNATURE",
      (draft) => ({ ...draft, signatures: { [hexOf(bob)]: Object.values(draft.signatures)[0]! } }),
    ],
    ["CODEC_MALFORMED", (draft) => ({ ...draft, transaction: draft.transaction.slice(2) })],
  ])("%s for a draft that was changed", (code, change) => {
    const transaction = unsigned();
    value(transaction.sign(ann));
    expect(codeOf(MultiSigTransaction.restore(transaction.draft))).toBe("");
    expect(codeOf(MultiSigTransaction.restore(change(transaction.draft)))).toBe(code);
  });
});
