import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromHex, toHex } from "@soma/base";
import { encode } from "@soma/codec";
import { merkleRoot } from "@soma/crypto";
import { Ed25519Key } from "@soma/crypto/native";
import { AccountKey } from "@soma/identity";
import {
  type Checkpoint,
  CheckpointLeafCodec,
  type EpochInfo,
  type Genesis,
  type LedgerUpdate,
  type TransactionKindInput,
} from "@soma/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noTurn } from "./account-turns.ts";
import { GatewayClient } from "./gateway-client.ts";
import { JobFacts } from "./job-facts.ts";
import { JobJournal } from "./job-journal.ts";
import { JobTransactions } from "./job-transactions.ts";
import { TEST_CHAIN, TestGateway } from "./test-gateway.ts";

const ZERO = "00".repeat(32);
const account = new AccountKey(Ed25519Key.fromSeed(new Uint8Array(32).fill(1)));
const stranger = new AccountKey(Ed25519Key.fromSeed(new Uint8Array(32).fill(2)));
const session = Ed25519Key.fromSeed(new Uint8Array(32).fill(3));
const genesis = { chainId: TEST_CHAIN } as Genesis;
const items = [Uint8Array.of(1)];

let folder: string;
let gateways: TestGateway[];
let journal: JobJournal;
let facts: JobFacts;
let light: { epoch: EpochInfo };
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "payment-"));
  gateways = await Promise.all([1, 2, 3].map(() => TestGateway.open()));
  journal = JobJournal.create(join(folder, "journal.json"), { genesis: ZERO, items, labels: [] });
  facts = new JobFacts(journal, genesis, account.address);
  light = { epoch: epoch(0n) };
});
afterEach(() => {
  for (const gateway of gateways) gateway.close();
  rmSync(folder, { recursive: true });
});

function epoch(number: bigint): EpochInfo {
  return { epoch: number, prices: [5n] } as unknown as EpochInfo;
}

/** Pays while every mempool says `refusal` of sequence number 0. */
function pay(refusal: string | undefined): Promise<void> {
  for (const gateway of gateways) {
    gateway.refusal = (sequence) => (sequence === 0n ? refusal : undefined);
  }
  const client = new GatewayClient({ gateways: gateways.map(({ url }) => url), retries: 0 });
  const transactions = new JobTransactions({
    client,
    genesis,
    account,
    journal,
    turn: noTurn,
    session,
    items,
    dataHash: ZERO,
    tip: 0n,
    maxPricePerByte: undefined,
    freeWithinMs: 300,
  });
  return transactions.pay({ facts, light });
}

/** A checkpoint with one transaction, as the light client has proved it. */
function prove(signed: { digest: string; bytes: Uint8Array }, refusal = ""): void {
  const effects = { digest: signed.digest, commit: 3n, refusal, fee: 1n, events: [] };
  const leaf = encode(CheckpointLeafCodec, { Transaction: effects });
  const checkpoint: Checkpoint = {
    epoch: 0n,
    sequence: 1n,
    previous: ZERO,
    commitIndex: 3n,
    commitDigest: ZERO,
    timestampMs: 1n,
    effectsRoot: toHex(merkleRoot([leaf])),
    leaves: 1,
    stateDigest: ZERO,
    nextEpoch: null,
  };
  const certificate = { checkpoint, signers: new Uint8Array(1), aggregateSignature: new Uint8Array(96) };
  const entries = [{ index: 0, leaf, path: [], transaction: signed.bytes }];
  const update: LedgerUpdate = { certificate, entries, nextEpoch: null };
  facts.take({ checkpoint, commits: [], transactions: [], deadlines: [], nextEpoch: null }, update);
}

function signedBy(key: AccountKey, sequence: bigint): { digest: string; bytes: Uint8Array } {
  const kind: TransactionKindInput = {
    GenerateEmbeddings: {
      modality: 0,
      dataCommitment: ZERO,
      sizeBytes: 1n,
      items: 1,
      sessionKey: session.publicKey,
      maxPricePerByte: 1n,
      jobTip: 0n,
    },
  };
  return key.sign({ chainId: TEST_CHAIN, sequence, expiryEpoch: 1n, tip: 0n, kind });
}

const sentNumbers = () => gateways.flatMap(({ submitted }) => submitted.map(({ sequence }) => sequence));

describe("a job's payment", () => {
  test("is in the journal, lives for this epoch and the next, and is sent as it is when the job is resumed", async () => {
    await pay(undefined);
    const { payment } = journal.state;
    await pay(undefined);
    expect(journal.state.payment).toEqual(payment);
    expect(JobJournal.open(journal.path).state.payment).toEqual(payment);
    const digests = new Set(gateways.flatMap(({ submitted }) => submitted.map(({ digest }) => digest)));
    expect(digests).toEqual(new Set([payment!.digest]));
  });

  test("is signed anew once another transaction of the account is proved to have its number", async () => {
    prove(signedBy(account, 0n));
    for (const gateway of gateways) gateway.sequence = 1n;
    // A gateway that lagged when it was signed.
    gateways[0]!.sequence = 0n;
    const paying = pay("MEMPOOL_SEQUENCE_STALE");
    gateways[0]!.refusal = (sequence) => {
      gateways[0]!.sequence = 1n;
      return sequence === 0n ? "MEMPOOL_SEQUENCE_STALE" : undefined;
    };
    await paying;
    expect(sentNumbers()).toEqual([0n, 1n]);
  });

  test.each<[string, () => void]>([
    [
      "gateways say that its number was used, and prove nothing",
      () => {
        for (const gateway of gateways) gateway.sequence = 9n;
      },
    ],
    ["another account used its own", () => prove(signedBy(stranger, 0n))],
    ["the account used another number", () => prove(signedBy(account, 1n))],
    [
      "gateways are past its last epoch, and the light client is not",
      () => {
        for (const gateway of gateways) gateway.epoch = 9n;
      },
    ],
  ])("is not signed anew because %s", async (_, happen) => {
    await expect(pay("MEMPOOL_SEQUENCE_TAKEN")).rejects.toMatchObject({ code: "PAYMENT_UNDECIDED" });
    const { payment } = journal.state;
    happen();
    await expect(pay("MEMPOOL_SEQUENCE_STALE")).rejects.toMatchObject({
      code: "PAYMENT_UNDECIDED",
      message: expect.stringContaining("before epoch 1 is over"),
    });
    expect(journal.state.payment).toEqual(payment);
  });

  test("is signed anew after its last epoch, which the light client proves, if no gateway knows it", async () => {
    await expect(pay("MEMPOOL_SEQUENCE_STALE")).rejects.toMatchObject({ code: "PAYMENT_UNDECIDED" });
    light = { epoch: epoch(2n) };
    for (const gateway of gateways) gateway.epoch = 2n;
    for (const gateway of gateways) gateway.sequence = 1n;
    await pay("MEMPOOL_EXPIRED");
    expect(sentNumbers().at(-1)).toBe(1n);
  });

  test.each<[string, () => void]>([
    ["a gateway knows it", () => void gateways[2]!.executed.add(journal.state.payment!.digest)],
    [
      "most gateways are not so far",
      () => {
        gateways[1]!.epoch = 1n;
        gateways[2]!.epoch = 1n;
      },
    ],
    [
      "most gateways do not answer",
      () => {
        gateways[1]!.close();
        gateways[2]!.close();
      },
    ],
  ])("is not signed anew after its last epoch as long as %s", async (_, happen) => {
    await expect(pay("MEMPOOL_SEQUENCE_STALE")).rejects.toMatchObject({ code: "PAYMENT_UNDECIDED" });
    const { payment } = journal.state;
    light = { epoch: epoch(2n) };
    for (const gateway of gateways) gateway.epoch = 2n;
    happen();
    await expect(pay("MEMPOOL_EXPIRED")).rejects.toMatchObject({ code: "PAYMENT_UNDECIDED" });
    expect(journal.state.payment).toEqual(payment);
  });

  test("that the ledger refused is struck from the journal, with the ledger's code", async () => {
    await pay(undefined);
    const { digest, bytes } = journal.state.payment!;
    expect(() => prove({ digest, bytes: fromHex(bytes) }, "BALANCE_SHORT")).toThrow(
      expect.objectContaining({ code: "BALANCE_SHORT" }),
    );
    expect(JobJournal.open(journal.path).state.payment).toBeNull();
  });
});
