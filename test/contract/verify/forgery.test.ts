import { aggregateBls, nativeVerifier } from "@soma/crypto/native";
import {
  bitmapOf,
  evaluationSigningBytes,
  jobSigningBytes,
  type LedgerEvent,
  type TransactionKind,
  verifyReceipt,
} from "@soma/protocol";
import { buildReceipt, byteLength, type Forgery, forgeFact, payerKey } from "@soma/testkit/receipt";
import { expect, test } from "vitest";

const PARAMETERS = {
  embeddingDimension: 16,
  masks: 3,
  selectTimeout: 10,
  revealTimeout: 10,
  proofTimeout: 10,
};
const receipt = buildReceipt({ parameters: PARAMETERS });
const { chainId } = receipt.ledger;
const { encoders } = receipt.network;

function verify(bytes: Uint8Array, tokenise = byteLength as (item: Uint8Array) => number | undefined) {
  return verifyReceipt(bytes, receipt.network.genesis, { verifier: nativeVerifier, tokenise });
}

type Kind<K extends TransactionKind["$kind"]> = NonNullable<Extract<TransactionKind, { $kind: K }>[K]>;

/** A selection with other content, signed by the session key as a dishonest submitter would. */
function selecting(change: (selection: Kind<"SelectCommits">) => Partial<Kind<"SelectCommits">>): Forgery {
  return {
    kind: (kind) => {
      const { sessionSignature: _, ...before } = kind.SelectCommits!;
      const selection = { ...before, ...change(kind.SelectCommits!) };
      const bytes = jobSigningBytes(chainId, "selection", selection);
      return { SelectCommits: { ...selection, sessionSignature: payerKey().session.sign(bytes) } };
    },
  };
}

/** A final proof with another result that the whole shard signed. */
function proving(change: (proof: Kind<"FinalProof">) => Partial<Kind<"FinalProof">>): Forgery {
  return {
    kind: (kind) => {
      const proof = { ...kind.FinalProof!, ...change(kind.FinalProof!) };
      return {
        FinalProof: {
          ...proof,
          ...signedBy(
            proof.result,
            encoders.map((_, i) => i),
          ),
        },
      };
    },
  };
}

/** Signatures of the selection's encoders, who stand in descending order of their ids. */
function signedBy(result: Kind<"FinalProof">["result"], signers: readonly number[]) {
  const selected = [...encoders].reverse();
  const bytes = evaluationSigningBytes(chainId, result);
  return {
    signers: bitmapOf(signers, selected.length),
    aggregateSignature: aggregateBls(signers.map((i) => selected[i]!.bls.sign(bytes))),
  };
}

function closing(change: (settled: { winner: string; paid: bigint; evaluation: string }) => object): Forgery {
  return {
    events: (events) =>
      events.map((event) => {
        const { job, outcome } = event.JobClosed!;
        const settled = outcome.Settled!;
        return {
          JobClosed: { job, outcome: { Settled: { ...settled, ...change(settled) } } },
        } as unknown as LedgerEvent;
      }),
  };
}

test("what is signed anew without a change still verifies", () => {
  expect(
    verify(
      forgeFact(
        receipt,
        "close",
        proving(() => ({})),
      ),
    ),
  ).toMatchObject({ ok: true });
});

// A quorum of validators certifies what is not so: everything that can be recomputed is refused all the same.
test.each<[string, "payment" | "selection" | "bundle" | "close", Forgery, string]>([
  ["a refused payment", "payment", { refusal: "BALANCE_SHORT" }, "RECEIPT_PAYMENT"],
  [
    "a payment that the payer did not sign",
    "payment",
    {
      kind: (kind) => {
        const request = kind.GenerateEmbeddings!;
        return { GenerateEmbeddings: { ...request, jobTip: request.jobTip + 1n } };
      },
    },
    "RECEIPT_PAYMENT",
  ],
  ["no job opened", "payment", { events: () => [] }, "RECEIPT_PAYMENT"],
  [
    "another escrow",
    "payment",
    {
      events: (events) => {
        const paid = events[0]!.JobPaid!;
        return [{ JobPaid: { ...paid, escrow: paid.escrow + 1n } } as unknown as LedgerEvent];
      },
    },
    "RECEIPT_PAYMENT",
  ],
  [
    "too few seats",
    "selection",
    selecting(({ commits }) => ({ commits: commits.slice(0, 4) })),
    "RECEIPT_SELECTION",
  ],
  [
    "an encoder twice",
    "selection",
    selecting(({ commits }) => ({ commits: [...commits, commits[0]!] })),
    "RECEIPT_SELECTION",
  ],
  [
    "a commit that its encoder did not sign",
    "selection",
    selecting(({ commits }) => ({
      commits: [{ ...commits[0]!, signature: commits[1]!.signature }, ...commits.slice(1)],
    })),
    "RECEIPT_SELECTION",
  ],
  [
    "a selection for other data",
    "selection",
    selecting(() => ({ dataHash: "ab".repeat(32) })),
    "RECEIPT_SELECTION",
  ],
  ["another attempt", "selection", selecting(() => ({ attempt: 1 })), "RECEIPT_DRAW"],
  [
    "a selection that the session key did not sign",
    "selection",
    { kind: (kind) => ({ SelectCommits: { ...kind.SelectCommits!, sessionSignature: new Uint8Array(64) } }) },
    "RECEIPT_SELECTION",
  ],
  [
    "a set that the bundle does not list",
    "bundle",
    {
      kind: (kind) => {
        const { sessionSignature: _, ...before } = kind.PostBundle!;
        const bundle = { ...before, reveals: before.reveals.slice(1) };
        const bytes = jobSigningBytes(chainId, "bundle", bundle);
        return { PostBundle: { ...bundle, sessionSignature: payerKey().session.sign(bytes) } };
      },
    },
    "RECEIPT_REVEALS",
  ],
  ["no evaluated set", "bundle", { events: () => [] }, "RECEIPT_REVEALS"],
  [
    "a bundle that the session key did not sign",
    "bundle",
    { kind: (kind) => ({ PostBundle: { ...kind.PostBundle!, sessionSignature: new Uint8Array(64) } }) },
    "RECEIPT_REVEALS",
  ],
  [
    "another winner",
    "close",
    proving(({ result }) => ({
      result: { ...result, winner: result.scores.find(({ encoder }) => encoder !== result.winner)!.encoder },
    })),
    "RECEIPT_PROOF",
  ],
  [
    "another loss",
    "close",
    proving(({ result }) => ({
      result: { ...result, scores: result.scores.with(0, { ...result.scores[0]!, lossPpb: 1n }) },
    })),
    "RECEIPT_PROOF",
  ],
  [
    "other final vectors",
    "close",
    proving(({ finals }) => ({ finals: finals.with(0, finals[0]! ^ 1) })),
    "RECEIPT_PROOF",
  ],
  [
    "too few signers",
    "close",
    {
      kind: (kind) => ({
        FinalProof: { ...kind.FinalProof!, ...signedBy(kind.FinalProof!.result, [0, 1, 2]) },
      }),
    },
    "RECEIPT_PROOF",
  ],
  [
    "a signer that did not sign",
    "close",
    {
      kind: (kind) => {
        const { aggregateSignature } = signedBy(kind.FinalProof!.result, [0, 1, 2, 3, 4, 5]);
        const signers = bitmapOf([0, 1, 2, 3, 4, 5, 6], encoders.length);
        return { FinalProof: { ...kind.FinalProof!, signers, aggregateSignature } };
      },
    },
    "RECEIPT_PROOF",
  ],
  ["a winner that was paid more", "close", closing(({ paid }) => ({ paid: paid + 1n })), "RECEIPT_OUTCOME"],
  [
    "a loser that was paid",
    "close",
    closing(() => ({ winner: encoders[0]!.id === receipt.winner ? encoders[1]!.id : encoders[0]!.id })),
    "RECEIPT_OUTCOME",
  ],
  ["another evaluation paid", "close", closing(() => ({ evaluation: "cd".repeat(32) })), "RECEIPT_OUTCOME"],
])("%s is refused although it is certified", (_, name, forgery, code) => {
  expect(verify(forgeFact(receipt, name, forgery))).toMatchObject({ ok: false, code });
});

test.each([
  ["cannot be tokenised", undefined],
  ["is too short to mask", 1],
  ["is longer than the rules allow", 4097],
])("an item that %s is refused", (_, length) => {
  expect(verify(receipt.bytes, () => length)).toMatchObject({ code: "RECEIPT_MASKS" });
});

test("vectors for another number of masks than the items' lengths call for are refused", () => {
  expect(verify(receipt.bytes, () => 2)).toMatchObject({ code: "RECEIPT_PROOF" });
});
