import { nativeVerifier } from "@soma/crypto/native";
import {
  applyUpdate,
  buildLedgerUpdates,
  LightClient,
  transactionDigest,
  verifyReceipt,
  wantsJobs,
} from "@soma/protocol";
import { buildReceipt, byteLength, type TestReceiptOptions } from "@soma/testkit/receipt";
import { expect, test } from "vitest";
import { CoreLedger } from "./core-ledger.ts";

const PARAMETERS = {
  embeddingDimension: 16,
  masks: 3,
  selectTimeout: 10,
  revealTimeout: 10,
  proofTimeout: 10,
};

// No event here is by hand: the ledger's core executes the job, across two settled epochs.
test.each<[string, TestReceiptOptions]>([
  ["with bundle and proof", {}],
  ["of the second attempt", { attempt: 1 }],
  ["whose submitter sent no bundle", { bundle: "deadline" }],
  ["closed by the majority of posted evaluations", { close: "majority" }],
  ["with everybody disqualified", { allDisqualified: true }],
])("a job %s that the ledger executed has a receipt that verifies", (_, options) => {
  const receipt = buildReceipt({ parameters: PARAMETERS, ...options }, (network) => new CoreLedger(network));
  const deps = { verifier: nativeVerifier, tokenise: byteLength };
  const verdict = verifyReceipt(receipt.bytes, receipt.network.genesis, deps);
  expect(verdict).toMatchObject({ ok: true, value: { handovers: 2, result: { winner: receipt.winner } } });
});

test("a light client follows the ledger's own checkpoints from the genesis", () => {
  const { ledger, network } = buildReceipt({ parameters: PARAMETERS }, (made) => new CoreLedger(made));
  const client = LightClient.fromGenesis(network.genesis, nativeVerifier);
  if (!client.ok) throw new Error(client.message);
  for (const { link, leaves, transactions } of ledger.checkpoints) {
    const bytes = new Map(
      [...transactions.values()].map((tx) => [transactionDigest(ledger.chainId, tx), tx]),
    );
    const updates = buildLedgerUpdates({
      certificate: link.certificate,
      leaves,
      transaction: (digest) => bytes.get(digest),
      nextEpoch: link.nextEpoch,
      wants: wantsJobs,
    });
    if (!updates.ok) throw new Error(updates.message);
    for (const update of updates.value) expect(applyUpdate(client.value, update)).toMatchObject({ ok: true });
  }
  expect(client.value.epoch.epoch).toBe(2n);
});
