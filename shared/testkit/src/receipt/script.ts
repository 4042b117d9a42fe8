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
  type EvaluatedReveals,
  embeddingDigest,
  evaluatedSetDigest,
  evaluateReveals,
  evaluationDigest,
  evaluationSigningBytes,
  itemMasks,
  jobSigningBytes,
  type ReceiptReveal,
  type Shard,
  type SignedCommit,
  selectionDigest,
  shardDigest,
  type TransactionKindInput,
} from "@soma/protocol";
import type { TestReceiptOptions } from "./build.ts";
import type { JobLedger, LeafPlace, TestTransaction } from "./ledger.ts";
import { payerKey, type TestNetwork, type TestOperator } from "./network.ts";
import { testBlob } from "./vectors.ts";

const ITEMS = ["the tide turns twice a day", "a lighthouse keeps its own hours"];
const JOB_TIP = 5_000n;

export interface Payment {
  readonly job: string;
  readonly place: LeafPlace;
  readonly at: bigint;
  readonly fee: bigint;
  readonly dataHash: string;
}

export interface Draw {
  readonly beacon: string;
  readonly shard: Shard;
  readonly place: LeafPlace;
}

export interface Selection {
  readonly digest: string;
  readonly at: bigint;
  readonly place: LeafPlace;
  /** In the selection's order. */
  readonly holders: readonly TestOperator[];
  /** Ascending by encoder. */
  readonly reveals: readonly ReceiptReveal[];
  readonly masksOfItem: readonly number[];
}

export interface Bundle {
  readonly digest: string;
  readonly at: bigint;
  readonly place: LeafPlace;
}

/** What every party to one job does, step by step, in the current epoch of a ledger. */
export class JobScript {
  readonly items: readonly Uint8Array[];
  readonly #ledger: JobLedger;
  readonly #network: TestNetwork;
  readonly #options: TestReceiptOptions;
  readonly #chainId: string;
  readonly #epoch: EpochInfo;
  readonly #attempt: number;
  readonly #payer = payerKey();

  constructor(ledger: JobLedger, options: TestReceiptOptions) {
    this.items = (options.items ?? ITEMS).map(utf8);
    this.#ledger = ledger;
    this.#network = ledger.network;
    this.#options = options;
    this.#chainId = ledger.chainId;
    this.#epoch = ledger.epoch;
    this.#attempt = options.attempt ?? 0;
  }

  pay(): Payment {
    const dataHash = toHex(merkleRoot(this.items));
    const sizeBytes = this.items.reduce((sum, item) => sum + BigInt(item.length), 0n);
    const fee = this.#epoch.prices[0]! * sizeBytes;
    const at = this.#ledger.commit;
    const request = {
      modality: 0,
      dataCommitment: dataCommitment(this.#chainId, dataHash, this.#payer.address),
      sizeBytes,
      items: this.items.length,
      sessionKey: this.#payer.session.publicKey,
      maxPricePerByte: 1_000_000n,
      jobTip: JOB_TIP,
    };
    const { digest, place } = this.#execute({ GenerateEmbeddings: request }, (job) => [
      { JobPaid: { job, escrow: fee + JOB_TIP, commit: at } },
    ]);
    this.#ledger.endCommit();
    return { job: digest, place, at, fee, dataHash };
  }

  /** The draws up to the attempt that succeeds, which is returned. */
  draw(payment: Payment): Draw {
    for (let missed = 0; missed < this.#attempt; missed++) this.#drawAttempt(payment, missed);
    return this.#drawAttempt(payment, this.#attempt);
  }

  #drawAttempt({ job, at }: Payment, attempt: number): Draw {
    const { parameters } = this.#network;
    const commit = drawCommit(at, attempt, parameters);
    this.#ledger.skipTo(commit);
    const beacon = this.#ledger.beacon(commit);
    const [chainId, epoch] = [this.#chainId, this.#epoch];
    const shard = must(drawShard({ chainId, epoch, parameters, modality: 0, beacon, job, attempt }));
    const drawn = { job, attempt, commit, shard: shardDigest(chainId, shard) };
    this.#ledger.deadline([{ ShardDrawn: drawn }]);
    return { beacon, shard, place: this.#ledger.endCommit() };
  }

  /** Every seat holder commits, and all are selected. */
  select({ job, dataHash }: Payment, { beacon, shard }: Draw): Selection {
    const masksOfItem = this.#masks(beacon);
    const holders = this.#network.encoders.filter(({ id }) => shard.seatsOf.has(id)).reverse();
    const embedded = holders.map((encoder, i) => ({
      encoder,
      blob: this.#blob(job, encoder, i, masksOfItem),
    }));
    const commits = embedded.map(({ encoder, blob }) => this.#commit(job, encoder, blob));
    const message = { job, attempt: this.#attempt, dataHash, commits };
    const digest = selectionDigest(this.#chainId, message);
    const at = this.#ledger.commit;
    const sessionSignature = this.#payer.session.sign(jobSigningBytes(this.#chainId, "selection", message));
    const { place } = this.#execute({ SelectCommits: { ...message, sessionSignature } }, () => [
      { JobSelected: { job, selection: digest } },
    ]);
    this.#ledger.endCommit();
    const reveals = embedded.map(({ encoder, blob }) => this.#reveal(job, encoder, blob)).reverse();
    return { digest, at, place, holders, reveals, masksOfItem };
  }

  bundle({ job }: Payment, { at, reveals }: Selection): Bundle {
    const entries = reveals.map(({ reveal }) => reveal.reveal);
    const digest = evaluatedSetDigest(this.#chainId, { job, entries });
    const bundled = [{ JobBundled: { job, bundle: digest } }];
    let place: LeafPlace;
    if (this.#options.bundle === "deadline") {
      for (const { reveal } of reveals) this.#execute({ PostReveal: { reveal } }, () => []);
      this.#ledger.endCommit();
      this.#ledger.cut();
      this.#ledger.skipTo(at + BigInt(this.#network.parameters.revealTimeout));
      place = this.#ledger.deadline(bundled);
    } else {
      const message = { job, reveals: reveals.map(({ reveal }) => reveal) };
      const sessionSignature = this.#payer.session.sign(jobSigningBytes(this.#chainId, "bundle", message));
      place = this.#execute({ PostBundle: { ...message, sessionSignature } }, () => bundled).place;
    }
    const bundledAt = this.#ledger.commit;
    this.#ledger.endCommit();
    return { digest, at: bundledAt, place };
  }

  evaluate({ job }: Payment, { beacon }: Draw, selection: Selection, bundle: Bundle): EvaluatedReveals {
    return must(
      evaluateReveals({
        chainId: this.#chainId,
        job,
        selection: selection.digest,
        bundle: bundle.digest,
        beacon,
        dimension: this.#network.parameters.embeddingDimension,
        masksOfItem: selection.masksOfItem,
        meanNormSquared: this.#network.genesis.anchors.meanNormSquared,
        reveals: selection.reveals.map(({ reveal, blob }) => ({ encoder: reveal.reveal.encoder, blob })),
        selected: selection.holders.map(({ id }) => id),
      }),
    );
  }

  close(
    payment: Payment,
    { shard }: Draw,
    { holders }: Selection,
    bundle: Bundle,
    { result, finals }: EvaluatedReveals,
  ): LeafPlace {
    const { job } = payment;
    const bytes = evaluationSigningBytes(this.#chainId, result);
    const evaluation = evaluationDigest(this.#chainId, result);
    const closed = [{ JobClosed: { job, outcome: this.#outcome(payment, result.winner, evaluation) } }];
    let place: LeafPlace;
    if (this.#options.close === "majority") {
      for (const { id, bls } of holders) {
        const signed = { message: { job, encoder: id, evaluation }, blsSignature: bls.sign(bytes) };
        this.#execute({ PostEvaluation: { evaluation: signed, result } }, () => []);
      }
      this.#ledger.endCommit();
      this.#ledger.cut();
      this.#ledger.skipTo(bundle.at + BigInt(this.#network.parameters.proofTimeout));
      place = this.#ledger.deadline(closed);
    } else {
      const signing = proofSigners(holders, shard.seatsOf);
      const signers = bitmapOf(signing, holders.length);
      const aggregateSignature = aggregateBls(signing.map((i) => holders[i]!.bls.sign(bytes)));
      place = this.#execute(
        { FinalProof: { result, finals, signers, aggregateSignature } },
        () => closed,
      ).place;
    }
    this.#ledger.endCommit();
    return place;
  }

  #outcome({ fee }: Payment, winner: string | null, evaluation: string) {
    const { jobBurnBps, refundFeeBps } = this.#network.parameters;
    const part = (bps: number) => (fee * BigInt(bps)) / 10_000n;
    return winner === null
      ? { AllDisqualified: { refunded: fee + JOB_TIP - part(refundFeeBps) } }
      : { Settled: { winner, paid: fee - part(jobBurnBps) + JOB_TIP, evaluation } };
  }

  #masks(beacon: string): number[] {
    const length = this.#options.length ?? byteLength;
    return this.items.map((item) => {
      const { parameters } = this.#network;
      const [chainId, epoch] = [this.#chainId, this.#epoch];
      const request = { chainId, epoch, parameters, beacon, modality: "text" as const, item };
      return must(itemMasks({ ...request, length: length(item) })).length;
    });
  }

  #blob(job: string, encoder: TestOperator, i: number, masksOfItem: readonly number[]): Uint8Array {
    const nonsense = this.#options.allDisqualified === true;
    return testBlob({
      job,
      encoder: encoder.id,
      dimension: this.#network.parameters.embeddingDimension,
      masksOfItem: nonsense ? masksOfItem.map((count) => count + 1) : masksOfItem,
      truth: 77,
      own: 1000 + i,
      noise: 0.05 + 0.01 * i,
    });
  }

  #commit(job: string, encoder: TestOperator, blob: Uint8Array): SignedCommit {
    const commit = {
      job,
      attempt: this.#attempt,
      encoder: encoder.id,
      commitHash: commitHash(this.#chainId, encoder.id, job, embeddingDigest(this.#chainId, blob)),
      elapsedMs: 120,
    };
    return { commit, signature: encoder.messages.sign(jobSigningBytes(this.#chainId, "commit", commit)) };
  }

  #reveal(job: string, encoder: TestOperator, blob: Uint8Array): ReceiptReveal {
    const reveal = {
      job,
      attempt: this.#attempt,
      encoder: encoder.id,
      embeddingDigest: embeddingDigest(this.#chainId, blob),
    };
    const signature = encoder.messages.sign(jobSigningBytes(this.#chainId, "reveal", reveal));
    return { reveal: { reveal, signature }, blob };
  }

  #execute(kind: TransactionKindInput, events: Parameters<JobLedger["execute"]>[1]): TestTransaction {
    unrelated(this.#ledger);
    return this.#ledger.execute(kind, events);
  }
}

/** As many elements as there are bytes: a tokenizer for tests. */
export function byteLength(item: Uint8Array): number {
  return item.length;
}

/** A transfer, so that leaves have siblings. */
export function unrelated(ledger: JobLedger): void {
  const to = ledger.network.validators[0]!.id;
  ledger.execute({ Transfer: { to, amount: 1n } }, () => []);
}

/** The fewest first encoders of the selection that hold more than two thirds of its seats. */
function proofSigners(holders: readonly TestOperator[], seatsOf: ReadonlyMap<string, number>): number[] {
  const all = holders.reduce((sum, { id }) => sum + seatsOf.get(id)!, 0);
  const signing: number[] = [];
  let seats = 0;
  for (const [i, { id }] of holders.entries()) {
    if (3 * seats > 2 * all) break;
    signing.push(i);
    seats += seatsOf.get(id)!;
  }
  return signing;
}

function must<T>(result: { ok: true; value: T } | { ok: false; message: string }): T {
  if (!result.ok) throw new Error(result.message);
  return result.value;
}
