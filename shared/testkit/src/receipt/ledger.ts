import { toHex, utf8 } from "@soma/base";
import { merklePaths, merkleRoot, taggedHash } from "@soma/crypto";
import { aggregateBls } from "@soma/crypto/native";
import {
  bitmapOf,
  type CertifiedCheckpoint,
  type Checkpoint,
  CheckpointLeafCodec,
  type CheckpointLeafInput,
  checkpointDigest,
  checkpointSigningBytes,
  type EpochInfo,
  encodeSignedTransaction,
  epochInfoDigest,
  genesisEpoch,
  type LeafProof,
  type LedgerEventInput,
  type ReceiptLink,
  type TransactionKindInput,
  transactionDigest,
  transactionSigningBytes,
} from "@soma/protocol";
import { payerKey, type TestNetwork } from "./network.ts";

/** Where a leaf lies: its checkpoint's place among those cut, and its place in it. */
export interface LeafPlace {
  readonly checkpoint: number;
  readonly index: number;
}

/** A transaction as executed in the commit that is being filled. */
export interface TestTransaction {
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly place: LeafPlace;
}

export interface CutCheckpoint {
  readonly link: ReceiptLink;
  readonly leaves: readonly Uint8Array[];
  readonly transactions: ReadonlyMap<number, Uint8Array>;
}

/** What a job is written to, commit by commit: by hand, or by the ledger's own core. */
export interface JobLedger {
  readonly network: TestNetwork;
  readonly chainId: string;
  readonly checkpoints: readonly CutCheckpoint[];
  /** The epoch of the commit that is being filled. */
  readonly epoch: EpochInfo;
  readonly commit: bigint;
  beacon(commit: bigint): string;
  execute(kind: TransactionKindInput, events: (digest: string) => LedgerEventInput[]): TestTransaction;
  deadline(events: LedgerEventInput[]): LeafPlace;
  endCommit(): LeafPlace;
  skipTo(commit: bigint): void;
  cut(change?: (next: EpochInfo) => EpochInfo): void;
  certify(checkpoint: Checkpoint, signers: readonly number[]): CertifiedCheckpoint;
  prove(place: LeafPlace): LeafProof;
}

/**
 * A ledger's outside by hand: commits with leaves, checkpoints signed by the committee, hand-overs. It executes
 * nothing; whoever fills it says what happened.
 */
export class TestLedger implements JobLedger {
  readonly network: TestNetwork;
  readonly chainId: string;
  readonly checkpoints: CutCheckpoint[] = [];
  epoch: EpochInfo;
  /** The commit that is being filled. */
  commit = 1n;
  #leaves: Uint8Array[] = [];
  #transactions = new Map<number, Uint8Array>();
  #sequence = 0n;
  readonly #payer = payerKey();

  constructor(network: TestNetwork) {
    this.network = network;
    this.chainId = network.genesis.chainId;
    const epoch = genesisEpoch(network.genesis);
    if (!epoch.ok) throw new Error(epoch.message);
    this.epoch = epoch.value;
  }

  /** beacon(index), which the test's leaders agree on. */
  beacon(commit: bigint): string {
    return toHex(taggedHash("test.beacon", this.chainId, utf8(commit.toString())));
  }

  /** Executes a transaction of the payer's account in the current commit. */
  execute(
    kind: TransactionKindInput,
    events: (digest: string) => LedgerEventInput[],
    refusal = "",
  ): TestTransaction {
    const bytes = this.sign(kind);
    const digest = transactionDigest(this.chainId, bytes);
    const commit = this.commit;
    const place = this.#add({
      Transaction: { digest, commit, refusal, fee: 1_000n, events: events(digest) },
    });
    this.#transactions.set(place.index, bytes);
    return { digest, bytes, place };
  }

  /** Signed bytes of the payer's next transaction. */
  sign(kind: TransactionKindInput): Uint8Array {
    const transaction = {
      chainId: this.chainId,
      sender: this.#payer.address,
      sequence: this.#sequence++,
      expiryEpoch: 1_000n,
      tip: 0n,
      kind,
    };
    return encodeSignedTransaction({
      transaction,
      authenticator: {
        policy: { Ed25519: { publicKey: this.#payer.account.publicKey } },
        signers: 1,
        signatures: [this.#payer.account.sign(transactionSigningBytes(this.chainId, transaction))],
      },
    });
  }

  /** A deadline that the current commit passes. */
  deadline(events: LedgerEventInput[]): LeafPlace {
    return this.#add({ Deadline: { commit: this.commit, events } });
  }

  /** Ends the current commit and begins the next; returns the place of its own leaf. */
  endCommit(): LeafPlace {
    const index = this.commit;
    const place = this.#add({
      Commit: {
        index,
        digest: this.#hash("commit", index),
        timestampMs: this.network.genesis.timestampMs + index * 100n,
        beacon: this.beacon(index),
      },
    });
    this.commit++;
    return place;
  }

  /** Commits with nothing in them, up to and without `commit`. */
  skipTo(commit: bigint): void {
    while (this.commit < commit) this.endCommit();
  }

  /** Cuts a checkpoint after the last ended commit; `change` makes it the epoch's last. */
  cut(change?: (next: EpochInfo) => EpochInfo): void {
    const last = this.commit - 1n;
    const next: EpochInfo = {
      ...this.epoch,
      epoch: this.epoch.epoch + 1n,
      startTimestampMs: this.network.genesis.timestampMs + last * 100n,
      lastCommit: last,
      seed: this.beacon(last),
      lastBlock: this.#hash("block", last),
    };
    const nextEpoch = change === undefined ? null : change(next);
    const before = this.checkpoints.at(-1)?.link.certificate.checkpoint;
    const checkpoint: Checkpoint = {
      epoch: this.epoch.epoch,
      sequence: BigInt(this.checkpoints.length + 1),
      previous: before === undefined ? "00".repeat(32) : checkpointDigest(this.chainId, before),
      commitIndex: last,
      commitDigest: this.#hash("commit", last),
      timestampMs: this.network.genesis.timestampMs + last * 100n,
      effectsRoot: toHex(merkleRoot(this.#leaves)),
      leaves: this.#leaves.length,
      stateDigest: this.#hash("state", last),
      nextEpoch: nextEpoch === null ? null : epochInfoDigest(this.chainId, nextEpoch),
    };
    const link = { certificate: this.certify(checkpoint, [0, 1, 3]), nextEpoch };
    this.checkpoints.push({ link, leaves: this.#leaves, transactions: this.#transactions });
    this.#leaves = [];
    this.#transactions = new Map();
    if (nextEpoch !== null) this.epoch = nextEpoch;
  }

  /** A checkpoint with the signatures of some committee members. */
  certify(checkpoint: Checkpoint, signers: readonly number[]): CertifiedCheckpoint {
    const message = checkpointSigningBytes(this.chainId, checkpoint);
    const { validators } = this.network;
    return {
      checkpoint,
      signers: bitmapOf(signers, validators.length),
      aggregateSignature: aggregateBls(signers.map((i) => validators[i]!.bls.sign(message))),
    };
  }

  prove(place: LeafPlace): LeafProof {
    return proveLeaf(this.checkpoints, place);
  }

  #add(leaf: CheckpointLeafInput): LeafPlace {
    const place = { checkpoint: this.checkpoints.length, index: this.#leaves.length };
    this.#leaves.push(CheckpointLeafCodec.serialize(leaf).toBytes());
    return place;
  }

  #hash(what: string, commit: bigint): string {
    return toHex(taggedHash(`test.${what}`, this.chainId, utf8(commit.toString())));
  }
}

/** The proof of a leaf whose checkpoint has been cut. */
export function proveLeaf(
  checkpoints: readonly CutCheckpoint[],
  { checkpoint, index }: LeafPlace,
): LeafProof {
  const { leaves, transactions } = checkpoints[checkpoint]!;
  return {
    index,
    leaf: leaves[index]!,
    path: merklePaths(leaves, [index])[0]!,
    transaction: transactions.get(index) ?? new Uint8Array(0),
  };
}
