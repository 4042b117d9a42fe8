import { toHex, utf8 } from "@soma/base";
import { taggedHash } from "@soma/crypto";
import { nativeVerifier } from "@soma/crypto/native";
import {
  type CertifiedCheckpoint,
  type Checkpoint,
  CheckpointLeafCodec,
  type EpochInfo,
  type LeafProof,
  SignedTransactionCodec,
  type TransactionKindInput,
  transactionDigest,
} from "@soma/protocol";
import { settleEpoch } from "@soma/rewards/core";
import { applySettlement, buildCheckpoint, executeCommit, Ledger } from "@soma/state/core";
import {
  type CutCheckpoint,
  type JobLedger,
  type LeafPlace,
  proveLeaf,
  TestLedger,
  type TestNetwork,
  type TestTransaction,
} from "@soma/testkit/receipt";

interface Place {
  checkpoint: number;
  index: number;
}

/** A commit that is filled or waits to be executed. */
interface OpenCommit {
  readonly transactions: { readonly bytes: Uint8Array; readonly digest: string; readonly place: Place }[];
  readonly leaf: Place;
  readonly deadline: Place;
}

/**
 * The ledger's own core behind the job builder: it executes the commits and builds the checkpoints, and what the
 * builder claims of events is ignored. A commit is executed when the next one begins or a checkpoint is cut, because
 * only then is it known whether it closes its epoch.
 */
export class CoreLedger implements JobLedger {
  readonly network: TestNetwork;
  readonly chainId: string;
  readonly checkpoints: CutCheckpoint[] = [];
  commit = 1n;
  readonly #ledger: Ledger;
  readonly #keys: TestLedger;
  readonly #bytes = new Map<string, Uint8Array>();
  #open: OpenCommit = emptyCommit();
  #ended: OpenCommit | null = null;
  /** Leaves executed since the last checkpoint. */
  #leaves = 0;

  constructor(network: TestNetwork) {
    this.network = network;
    this.chainId = network.genesis.chainId;
    this.#keys = new TestLedger(network);
    const opened = Ledger.fromGenesis(network.genesis, { verifier: nativeVerifier });
    if (!opened.ok) throw new Error(opened.message);
    this.#ledger = opened.value.ledger;
  }

  get epoch(): EpochInfo {
    this.#flush(false);
    return this.#ledger.currentEpoch;
  }

  beacon(commit: bigint): string {
    return this.#keys.beacon(commit);
  }

  execute(kind: TransactionKindInput): TestTransaction {
    const bytes = this.#keys.sign(kind);
    const digest = transactionDigest(this.chainId, bytes);
    const place = nowhere();
    this.#open.transactions.push({ bytes, digest, place });
    this.#bytes.set(digest, bytes);
    return { digest, bytes, place };
  }

  deadline(): LeafPlace {
    return this.#open.deadline;
  }

  endCommit(): LeafPlace {
    this.#flush(false);
    this.#ended = this.#open;
    this.#open = emptyCommit();
    this.commit++;
    return this.#ended.leaf;
  }

  skipTo(commit: bigint): void {
    while (this.commit < commit) this.endCommit();
  }

  cut(change?: unknown): void {
    this.#flush(change !== undefined);
    const built = buildCheckpoint(this.#ledger);
    if (!built.ok) throw new Error(built.message);
    const { checkpoint, leaves } = built.value;
    const transactions = new Map<number, Uint8Array>();
    for (const [index, encoded] of leaves.entries()) {
      const leaf = CheckpointLeafCodec.parse(encoded);
      if (leaf.$kind === "Transaction") transactions.set(index, this.#bytes.get(leaf.Transaction.digest)!);
    }
    const nextEpoch = checkpoint.nextEpoch === null ? null : this.#ledger.currentEpoch;
    const link = { certificate: this.certify(checkpoint, [0, 1, 3]), nextEpoch };
    this.checkpoints.push({ link, leaves, transactions });
    this.#leaves = 0;
  }

  certify(checkpoint: Checkpoint, signers: readonly number[]): CertifiedCheckpoint {
    return this.#keys.certify(checkpoint, signers);
  }

  prove(place: LeafPlace): LeafProof {
    return proveLeaf(this.checkpoints, place);
  }

  #flush(closes: boolean): void {
    const ended = this.#ended;
    if (ended === null) return;
    this.#ended = null;
    const { head, currentEpoch, parameters } = this.#ledger;
    const index = head.commit + 1n;
    const end = currentEpoch.startTimestampMs + parameters.epochLength;
    const executed = executeCommit(this.#ledger, {
      commit: {
        epoch: head.epoch,
        index,
        previous: head.commitDigest,
        timestampMs: closes ? end : head.timestampMs + 100n,
        leader: { round: Number(index), author: 0, digest: this.#hash(index) },
        blocks: [],
      },
      beacon: this.beacon(index),
      transactions: ended.transactions.map(({ bytes, digest }) => ({
        bytes,
        signed: SignedTransactionCodec.parse(bytes),
        digest,
        author: this.network.validators[0]!.id,
        signatureValid: true,
      })),
    });
    if (!executed.ok) throw new Error(`${executed.code}: ${executed.message}`);
    const refusals = executed.value.transactions.map(({ refusal }) => refusal).filter((code) => code !== "");
    const dropped = executed.value.dropped.map(({ code }) => code);
    if (refusals.length + dropped.length > 0) throw new Error(`refused: ${[...refusals, ...dropped].join()}`);
    this.#place(ended, executed.value.leaves);
    if (executed.value.settlement === null) return;
    const settlement = settleEpoch(this.chainId, executed.value.settlement);
    if (!settlement.ok) throw new Error(`${settlement.code}: ${settlement.message}`);
    const settled = applySettlement(this.#ledger, settlement.value);
    if (!settled.ok) throw new Error(`${settled.code}: ${settled.message}`);
  }

  #place(ended: OpenCommit, leaves: readonly Parameters<typeof CheckpointLeafCodec.serialize>[0][]): void {
    for (const leaf of leaves) {
      const place = { checkpoint: this.checkpoints.length, index: this.#leaves++ };
      if ("Commit" in leaf) Object.assign(ended.leaf, place);
      else if ("Deadline" in leaf) Object.assign(ended.deadline, place);
      else if ("Transaction" in leaf) {
        const digest = leaf.Transaction?.digest;
        Object.assign(ended.transactions.find((carried) => carried.digest === digest)!.place, place);
      }
    }
  }

  #hash(commit: bigint): string {
    return toHex(taggedHash("test.leader", this.chainId, utf8(commit.toString())));
  }
}

function nowhere(): Place {
  return { checkpoint: -1, index: -1 };
}

function emptyCommit(): OpenCommit {
  return { transactions: [], leaf: nowhere(), deadline: nowhere() };
}
