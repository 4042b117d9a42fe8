import { atOnce, invariant, ok, type Result, type Sliced, toHex } from "@soma/base";
import { encode } from "@soma/codec";
import { merkleRootSliced } from "@soma/crypto";
import {
  type Checkpoint,
  CheckpointLeafCodec,
  type CheckpointLeafInput,
  checkpointDigest,
  epochInfoDigest,
} from "@soma/protocol";
import type { Ledger } from "./ledger.ts";
import { checkpointHeads, pendingLeaves } from "./records.ts";
import type { Change, KeyedStore } from "./store.ts";

/** A checkpoint to be signed, with the bytes of its leaves for later proofs. */
export interface BuiltCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly digest: string;
  /** Encoded `CheckpointLeaf`s in the order of the Merkle tree. */
  readonly leaves: readonly Uint8Array[];
  readonly changes: readonly Change[];
}

function checkpointHead(store: KeyedStore) {
  const head = checkpointHeads.get(store, "now");
  invariant(head !== undefined, "a ledger has a checkpoint head");
  return head;
}

/** Keeps a commit's leaves until a checkpoint covers them, over restarts too. */
export function* keepLeaves(
  store: KeyedStore,
  leaves: readonly CheckpointLeafInput[],
  epochEnds: boolean,
): Sliced<void> {
  const head = checkpointHead(store);
  if (leaves.length > 0) {
    const encoded: Uint8Array[] = [];
    for (const leaf of leaves) {
      encoded.push(encode(CheckpointLeafCodec, leaf));
      yield;
    }
    pendingLeaves.put(store, encoded, String(head.leaves));
  }
  checkpointHeads.put(store, { ...head, leaves: head.leaves + leaves.length, epochEnds }, "now");
}

/**
 * LEDGER-5: whether a checkpoint is due now: so many commits or so much commit time since the last one, or the epoch
 * ended. Follows from the sequence alone, so that all validators build the same ones. Never while a settlement is
 * awaited.
 */
export function checkpointDue(ledger: Ledger): boolean {
  const last = checkpointHead(ledger.store);
  const { head, parameters } = ledger;
  if (head.closing || head.commit === last.commit) return false;
  return (
    last.epochEnds ||
    head.commit - last.commit >= BigInt(parameters.checkpointCommits) ||
    head.timestampMs - last.timestampMs >= parameters.checkpointInterval
  );
}

/** The checkpoint over the commits since the last one. Call exactly when `checkpointDue`. SUPPLY_BREACH is fatal. */
export function buildCheckpoint(ledger: Ledger): Result<BuiltCheckpoint> {
  return atOnce(buildCheckpointSliced(ledger));
}

/** `buildCheckpoint` of a ledger that nothing else changes meanwhile. */
export function* buildCheckpointSliced(ledger: Ledger): Sliced<Result<BuiltCheckpoint>> {
  const { store, head, chainId } = ledger;
  const last = checkpointHead(store);
  const leaves: Uint8Array[] = [];
  while (leaves.length < last.leaves) {
    const first = String(leaves.length);
    const ofCommit = pendingLeaves.get(store, first);
    invariant(ofCommit !== undefined, "every leaf is kept until its checkpoint");
    for (const leaf of ofCommit) leaves.push(leaf);
    pendingLeaves.delete(store, first);
  }
  const checkpoint: Checkpoint = {
    // After the settlement the head is in the next epoch already; what is covered is of the one before.
    epoch: last.epochEnds ? head.epoch - 1n : head.epoch,
    sequence: last.sequence + 1n,
    previous: last.digest,
    commitIndex: head.commit,
    commitDigest: head.commitDigest,
    timestampMs: head.timestampMs,
    effectsRoot: toHex(yield* merkleRootSliced(leaves)),
    leaves: leaves.length,
    stateDigest: ledger.stateDigest(),
    nextEpoch: last.epochEnds ? epochInfoDigest(chainId, ledger.currentEpoch) : null,
  };
  const digest = checkpointDigest(chainId, checkpoint);
  checkpointHeads.put(
    store,
    {
      sequence: checkpoint.sequence,
      digest,
      commit: head.commit,
      timestampMs: head.timestampMs,
      leaves: 0,
      epochEnds: false,
    },
    "now",
  );
  const sealed = yield* ledger.seal();
  return sealed.ok ? ok({ checkpoint, digest, leaves, changes: sealed.value }) : sealed;
}
