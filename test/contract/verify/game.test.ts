import { nativeVerifier } from "@soma/crypto/native";
import {
  CheckpointLeafCodec,
  decodeSignedTransaction,
  type EpochInfo,
  type LedgerEvent,
  type LedgerEventInput,
  type TransactionLeaf,
} from "@soma/protocol";
import {
  applyToJob,
  type GameContext,
  type GameEffect,
  type Job,
  payForJob,
  reachDeadline,
} from "@soma/state/core";
import { buildReceipt, payerKey, type TestReceipt, type TestReceiptOptions } from "@soma/testkit/receipt";
import { expect, test } from "vitest";

const PARAMETERS = {
  embeddingDimension: 16,
  masks: 3,
  selectTimeout: 10,
  revealTimeout: 10,
  proofTimeout: 10,
};

interface Step {
  readonly commit: bigint;
  readonly transactions: readonly { readonly bytes: Uint8Array; readonly leaf: TransactionLeaf }[];
  /** What the ledger that the test made by hand says of the commit's deadlines. */
  readonly deadlines: readonly LedgerEvent[];
}

/** The test ledger's commits with what it claims of them. */
function stepsOf({ ledger }: TestReceipt): Step[] {
  const steps: Step[] = [];
  let transactions: { bytes: Uint8Array; leaf: TransactionLeaf }[] = [];
  let deadlines: LedgerEvent[] = [];
  for (const { leaves, transactions: bytes } of ledger.checkpoints) {
    for (const [index, encoded] of leaves.entries()) {
      const leaf = CheckpointLeafCodec.parse(encoded);
      if (leaf.$kind === "Transaction")
        transactions.push({ bytes: bytes.get(index)!, leaf: leaf.Transaction });
      else if (leaf.$kind === "Deadline") deadlines.push(...leaf.Deadline.events);
      else if (leaf.$kind === "Commit") {
        steps.push({ commit: leaf.Commit.index, transactions, deadlines });
        transactions = [];
        deadlines = [];
      }
    }
  }
  return steps;
}

const eventsOf = (effects: readonly GameEffect[]) =>
  effects.flatMap((effect): LedgerEventInput[] => (effect.kind === "event" ? [effect.event] : []));

/** Events as the wire has them, so that both sides compare. */
function onWire(events: readonly LedgerEventInput[]): LedgerEvent[] {
  const bytes = CheckpointLeafCodec.serialize({ Deadline: { commit: 0n, events: [...events] } }).toBytes();
  return CheckpointLeafCodec.parse(bytes).Deadline!.events;
}

// The receipts under test say that the ledger took their job's transactions: here the ledger's own rules do.
test.each<[string, TestReceiptOptions]>([
  ["with bundle and proof", {}],
  ["of the second attempt", { attempt: 1 }],
  ["whose submitter sent no bundle", { bundle: "deadline" }],
  ["closed by the majority of posted evaluations", { close: "majority" }],
  ["with everybody disqualified", { allDisqualified: true }],
])("the game's rules make the events of a job %s", (_, options) => {
  const receipt = buildReceipt({ parameters: PARAMETERS, ...options });
  const { ledger, network, content } = receipt;
  const jobEpoch = epochOfJob(receipt);
  let job: Job | undefined;
  for (const { commit, transactions, deadlines } of stepsOf(receipt)) {
    const context: GameContext = {
      chainId: ledger.chainId,
      parameters: network.parameters,
      verifier: nativeVerifier,
      commit,
      beacon: ledger.beacon(commit),
      epoch: jobEpoch,
    };
    for (const { bytes, leaf } of transactions) {
      const decoded = decodeSignedTransaction(bytes);
      if (!decoded.ok) throw new Error(decoded.message);
      const { kind } = decoded.value.transaction;
      if (kind.$kind === "Transfer") continue;
      const { address } = payerKey();
      const step =
        kind.$kind === "GenerateEmbeddings"
          ? payForJob(context, {
              id: leaf.digest,
              payer: address,
              balance: 10n ** 15n,
              request: kind.GenerateEmbeddings,
            })
          : applyToJob(context, job!, kind, address);
      expect(step, kind.$kind).toMatchObject({ ok: true });
      if (!step.ok) return;
      job = step.value.job;
      expect(onWire(eventsOf(step.value.effects)), kind.$kind).toEqual(leaf.events);
    }
    if (job === undefined) continue;
    const step = reachDeadline(context, job);
    job = step.job;
    expect(onWire(eventsOf(step.effects))).toEqual(deadlines);
  }
  expect(job?.phase).toBe("closed");
  expect(job?.winner).toBe(receipt.winner);
  expect(content.reveals).toHaveLength(job!.chosen.filter((entry) => entry.evaluated).length);
});

function epochOfJob({ content }: TestReceipt): EpochInfo {
  const { nextEpoch } = content.chain[0]!;
  if (nextEpoch === null) throw new Error("the job is paid in the second epoch");
  return nextEpoch;
}
