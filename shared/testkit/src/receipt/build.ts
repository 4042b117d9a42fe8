import { toHex, utf8 } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { aggregateBls } from "@soma/crypto/native";
import {
  bitmapOf,
  commitHash,
  dataCommitment,
  drawCommit,
  drawShard,
  type EpochInfo,
  embeddingDigest,
  encodeReceipt,
  evaluatedSetDigest,
  evaluateReveals,
  evaluationDigest,
  evaluationSigningBytes,
  genesisDigest,
  itemMasks,
  jobSigningBytes,
  type ReceiptContent,
  type ReceiptFact,
  type SignedCommit,
  type SignedReveal,
  selectionDigest,
  shardDigest,
  type TransactionKindInput,
} from "@soma/protocol";
import { type JobLedger, type LeafPlace, TestLedger } from "./ledger.ts";
import {
  payerKey,
  type TestNetwork,
  type TestNetworkOptions,
  type TestOperator,
  testNetwork,
} from "./network.ts";
import { testBlob } from "./vectors.ts";

export interface TestReceiptOptions extends TestNetworkOptions {
  readonly items?: readonly string[];
  /** Elements of an item by the test's tokenizer. */
  readonly length?: (item: Uint8Array) => number;
  /** The attempt that succeeds. */
  readonly attempt?: number;
  /** What fixes the evaluated set: the submitter's bundle, or GAME-6's deadline. */
  readonly bundle?: "posted" | "deadline";
  /** What closes the job: the final proof, or GAME-9's majority of posted evaluations. */
  readonly close?: "proof" | "majority";
  /** All reveals are nonsense, so that everybody is disqualified. */
  readonly allDisqualified?: boolean;
}

export interface TestReceipt {
  readonly network: TestNetwork;
  readonly ledger: JobLedger;
  readonly content: ReceiptContent;
  /** The receipt file. */
  readonly bytes: Uint8Array;
  readonly winner: string | null;
  /** The job's transactions in order. */
  readonly transactions: readonly { readonly commit: bigint; readonly kind: TransactionKindInput }[];
}

/** As many elements as there are bytes: a tokenizer for tests. */
export function byteLength(item: Uint8Array): number {
  return item.length;
}

const ITEMS = ["the tide turns twice a day", "a lighthouse keeps its own hours"];

/** A whole genuine job with real keys and signatures, across two hand-overs, and its receipt. */
export function buildReceipt(
  options: TestReceiptOptions = {},
  open: (network: TestNetwork) => JobLedger = (network) => new TestLedger(network),
): TestReceipt {
  const network = testNetwork(options);
  const { genesis, parameters, encoders } = network;
  const { chainId } = genesis;
  const ledger = open(network);
  const payer = payerKey();
  const items = (options.items ?? ITEMS).map(utf8);
  const attempt = options.attempt ?? 0;
  const length = options.length ?? byteLength;
  const transactions: { commit: bigint; kind: TransactionKindInput }[] = [];

  ledger.endCommit();
  ledger.endCommit();
  ledger.cut((next) => ({ ...next, roster: raised(next) }));
  transfer(ledger);
  ledger.endCommit();
  ledger.cut();

  const { epoch } = ledger;
  const dataHash = toHex(merkleRoot(items));
  const sizeBytes = items.reduce((sum, item) => sum + BigInt(item.length), 0n);
  const fee = epoch.prices[0]! * sizeBytes;
  const jobTip = 5_000n;
  const execute = (kind: TransactionKindInput, events: Parameters<JobLedger["execute"]>[1]) => {
    transactions.push({ commit: ledger.commit, kind });
    transfer(ledger);
    return ledger.execute(kind, events);
  };
  const paidAt = ledger.commit;
  const payment = execute(
    {
      GenerateEmbeddings: {
        modality: 0,
        dataCommitment: dataCommitment(chainId, dataHash, payer.address),
        sizeBytes,
        items: items.length,
        sessionKey: payer.session.publicKey,
        maxPricePerByte: 1_000_000n,
        jobTip,
      },
    },
    (job) => [{ JobPaid: { job, escrow: fee + jobTip, commit: paidAt } }],
  );
  const job = payment.digest;
  ledger.endCommit();
  ledger.cut();

  for (let missed = 0; missed < attempt; missed++) drawAttempt(missed);
  const { beacon, shard, place: draw } = drawAttempt(attempt);
  ledger.cut((next) => next);

  const masksOfItem = items.map((item) => {
    const masks = itemMasks({
      chainId,
      epoch,
      parameters,
      beacon,
      modality: "text",
      item,
      length: length(item),
    });
    if (!masks.ok) throw new Error(masks.message);
    return masks.value.length;
  });
  const holders = encoders.filter((encoder) => shard.seatsOf.has(encoder.id)).reverse();
  const dimension = parameters.embeddingDimension;
  const blobs = new Map(
    holders.map((encoder, i) => [
      encoder.id,
      testBlob({
        job,
        encoder: encoder.id,
        dimension,
        masksOfItem: options.allDisqualified === true ? masksOfItem.map((count) => count + 1) : masksOfItem,
        truth: 77,
        own: 1000 + i,
        noise: 0.05 + 0.01 * i,
      }),
    ]),
  );
  const commits = holders.map((encoder) => signedCommit(encoder, blobs.get(encoder.id)!));
  const selection = { job, attempt, dataHash, commits };
  const selected = selectionDigest(chainId, selection);
  const selectionTransaction = execute(
    {
      SelectCommits: {
        ...selection,
        sessionSignature: payer.session.sign(jobSigningBytes(chainId, "selection", selection)),
      },
    },
    () => [{ JobSelected: { job, selection: selected } }],
  );
  const selectedAt = ledger.commit;
  ledger.endCommit();

  const reveals = encoders
    .filter((encoder) => blobs.has(encoder.id))
    .map((encoder) => ({ reveal: signedReveal(encoder), blob: blobs.get(encoder.id)! }));
  const set = reveals.map(({ reveal }) => reveal.reveal);
  const bundle = evaluatedSetDigest(chainId, { job, entries: set });
  const bundled = [{ JobBundled: { job, bundle } }];
  let bundlePlace: LeafPlace;
  if (options.bundle === "deadline") {
    for (const { reveal } of reveals) execute({ PostReveal: { reveal } }, () => []);
    ledger.endCommit();
    ledger.cut();
    ledger.skipTo(selectedAt + BigInt(parameters.revealTimeout));
    bundlePlace = ledger.deadline(bundled);
  } else {
    const message = { job, reveals: reveals.map(({ reveal }) => reveal) };
    const sessionSignature = payer.session.sign(jobSigningBytes(chainId, "bundle", message));
    bundlePlace = execute({ PostBundle: { ...message, sessionSignature } }, () => bundled).place;
  }
  const bundledAt = ledger.commit;
  ledger.endCommit();

  const evaluated = evaluateReveals({
    chainId,
    job,
    selection: selected,
    bundle,
    beacon,
    dimension,
    masksOfItem,
    meanNormSquared: genesis.anchors.meanNormSquared,
    reveals: reveals.map(({ reveal, blob }) => ({ encoder: reveal.reveal.encoder, blob })),
    selected: holders.map((encoder) => encoder.id),
  });
  if (!evaluated.ok) throw new Error(evaluated.message);
  const { result, finals } = evaluated.value;
  const evaluation = evaluationDigest(chainId, result);
  const burned = (fee * BigInt(parameters.jobBurnBps)) / 10_000n;
  const kept = (fee * BigInt(parameters.refundFeeBps)) / 10_000n;
  const outcome =
    result.winner === null
      ? { AllDisqualified: { refunded: fee + jobTip - kept } }
      : { Settled: { winner: result.winner, paid: fee - burned + jobTip, evaluation } };
  const closed = [{ JobClosed: { job, outcome } }];
  let closePlace: LeafPlace;
  if (options.close === "majority") {
    for (const encoder of holders) {
      const message = { job, encoder: encoder.id, evaluation };
      const blsSignature = encoder.bls.sign(evaluationSigningBytes(chainId, result));
      execute({ PostEvaluation: { evaluation: { message, blsSignature }, result } }, () => []);
    }
    ledger.endCommit();
    ledger.cut();
    ledger.skipTo(bundledAt + BigInt(parameters.proofTimeout));
    closePlace = ledger.deadline(closed);
  } else {
    const signing = proofSigners(holders, shard.seatsOf);
    const bytes = evaluationSigningBytes(chainId, result);
    const proof = {
      result,
      finals,
      signers: bitmapOf(signing, holders.length),
      aggregateSignature: aggregateBls(signing.map((i) => holders[i]!.bls.sign(bytes))),
    };
    closePlace = execute({ FinalProof: proof }, () => closed).place;
  }
  ledger.endCommit();
  ledger.cut();

  function drawAttempt(number: number) {
    const commit = drawCommit(paidAt, number, parameters);
    ledger.skipTo(commit);
    const beacon = ledger.beacon(commit);
    const drawn = drawShard({ chainId, epoch, parameters, modality: 0, beacon, job, attempt: number });
    if (!drawn.ok) throw new Error(drawn.message);
    const shard = shardDigest(chainId, drawn.value);
    ledger.deadline([{ ShardDrawn: { job, attempt: number, commit, shard } }]);
    return { beacon, shard: drawn.value, place: ledger.endCommit() };
  }

  function signedCommit(encoder: TestOperator, blob: Uint8Array): SignedCommit {
    const commit = {
      job,
      attempt,
      encoder: encoder.id,
      commitHash: commitHash(chainId, encoder.id, job, embeddingDigest(chainId, blob)),
      elapsedMs: 120,
    };
    return { commit, signature: encoder.messages.sign(jobSigningBytes(chainId, "commit", commit)) };
  }

  function signedReveal(encoder: TestOperator): SignedReveal {
    const digest = embeddingDigest(chainId, blobs.get(encoder.id)!);
    const reveal = { job, attempt, encoder: encoder.id, embeddingDigest: digest };
    return { reveal, signature: encoder.messages.sign(jobSigningBytes(chainId, "reveal", reveal)) };
  }

  const places = {
    payment: payment.place,
    draw,
    selection: selectionTransaction.place,
    bundle: bundlePlace,
    close: closePlace,
  };
  const content: ReceiptContent = { ...assemble(ledger, places), reveals, items };
  const bytes = encodeReceipt(content);
  return { network, ledger, content, bytes, winner: result.winner, transactions };
}

/** The fewest first encoders of the selection that hold more than two thirds of its seats. */
function proofSigners(holders: readonly TestOperator[], seatsOf: ReadonlyMap<string, number>): number[] {
  const all = holders.reduce((sum, encoder) => sum + seatsOf.get(encoder.id)!, 0);
  const signing: number[] = [];
  let seats = 0;
  for (const [i, encoder] of holders.entries()) {
    if (3 * seats > 2 * all) break;
    signing.push(i);
    seats += seatsOf.get(encoder.id)!;
  }
  return signing;
}

/** The chain of links that a receipt needs for its facts, and the facts with their places in it. */
function assemble(
  ledger: JobLedger,
  places: Readonly<Record<"payment" | "draw" | "selection" | "bundle" | "close", LeafPlace>>,
): Omit<ReceiptContent, "reveals" | "items"> {
  const used = new Set(Object.values(places).map((place) => place.checkpoint));
  const last = Math.max(...used);
  const kept = ledger.checkpoints
    .map((cut, checkpoint) => ({ cut, checkpoint }))
    .filter(
      ({ cut, checkpoint }) => used.has(checkpoint) || (cut.link.nextEpoch !== null && checkpoint < last),
    );
  const fact = (place: LeafPlace): ReceiptFact => ({
    link: kept.findIndex(({ checkpoint }) => checkpoint === place.checkpoint),
    proof: ledger.prove(place),
  });
  const { payment, draw, selection, bundle, close } = places;
  return {
    genesis: genesisDigest(ledger.network.genesis),
    chain: kept.map(({ cut }) => cut.link),
    payment: fact(payment),
    draw: fact(draw),
    selection: fact(selection),
    bundle: fact(bundle),
    close: fact(close),
  };
}

/** An unrelated transaction, so that leaves have siblings. */
function transfer(ledger: JobLedger): void {
  const to = ledger.network.validators[0]!.id;
  ledger.execute({ Transfer: { to, amount: 1n } }, () => []);
}

/** Everybody's stake after an epoch of rewards. */
function raised(epoch: EpochInfo): EpochInfo["roster"] {
  return epoch.roster.map((entry) => ({ ...entry, stake: entry.stake + 7n }));
}
