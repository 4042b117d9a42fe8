import { err, ok, type Result } from "@soma/base";
import { bcs, decodeExact, encode } from "@soma/codec";
import { merklePaths } from "@soma/crypto";
import {
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  type Checkpoint,
  type CheckpointLeaf,
  CheckpointLeafCodec,
  type CommitLeaf,
  checkpointDigest,
} from "./checkpoint.ts";
import { type EpochInfo, EpochInfoCodec } from "./epoch.ts";
import type { Digest } from "./ids.ts";
import type { LightClient } from "./light-client.ts";
import {
  type LeafProof,
  LeafProofCodec,
  provenFact,
  type VerifiedDeadline,
  type VerifiedTransaction,
} from "./light-client-fact.ts";
import { decodeSignedTransaction, type TransactionKind } from "./transaction.ts";

/** Largest `LedgerUpdate`; leaves room for the envelope around it. A longer one is sent in parts. */
export const MAX_LEDGER_UPDATE_BYTES = 1024 * 1024 - 1024;

export const LedgerUpdateCodec = bcs.struct("LedgerUpdate", {
  certificate: CertifiedCheckpointCodec,
  /** Ascending by index. */
  entries: bcs.vector(LeafProofCodec),
  /** The next epoch, exactly if the checkpoint names one: with the certificate it is the hand-over. */
  nextEpoch: bcs.option(EpochInfoCodec),
});
/**
 * What a validator sends to those who follow the ledger for one checkpoint: its certificate and the leaves that
 * concern them with their proofs. Several updates may share a certificate when one would be too large.
 */
export type LedgerUpdate = typeof LedgerUpdateCodec.$inferType;

/** What an update proves, each list in the order of its leaves. */
export interface VerifiedFacts {
  readonly checkpoint: Checkpoint;
  readonly commits: readonly CommitLeaf[];
  readonly transactions: readonly VerifiedTransaction[];
  readonly deadlines: readonly VerifiedDeadline[];
  /** Set when the checkpoint closed its epoch. */
  readonly nextEpoch: EpochInfo | null;
}

const JOB_KINDS: ReadonlySet<TransactionKind["$kind"]> = new Set([
  "GenerateEmbeddings",
  "SelectCommits",
  "PostCommit",
  "PostOptOut",
  "PostReceipt",
  "PostUnavailable",
  "PostBundle",
  "PostReveal",
  "PostEvaluation",
  "FinalProof",
  "PostReceipt",
  "PostUnavailable",
] as const);

/** True for the transactions of embedding jobs. */
export function concernsJob(kind: TransactionKind): boolean {
  return JOB_KINDS.has(kind.$kind);
}

export function encodeLedgerUpdate(update: LedgerUpdate): Uint8Array {
  return encode(LedgerUpdateCodec, update);
}

/** Refusals: CODEC_*. */
export function decodeLedgerUpdate(bytes: Uint8Array): Result<LedgerUpdate> {
  return decodeExact(LedgerUpdateCodec, bytes, MAX_LEDGER_UPDATE_BYTES);
}

/** What a validator has of a checkpoint. */
export interface UpdateSource {
  readonly certificate: CertifiedCheckpoint;
  /** All leaves' bytes in order. */
  readonly leaves: readonly Uint8Array[];
  /** Signed bytes of the transactions by digest; only those of the leaves to be sent are asked for. */
  readonly transaction: (digest: Digest) => Uint8Array | undefined;
  readonly nextEpoch: EpochInfo | null;
  /** Which leaves to send; transactions whose bytes are not at hand are left out. */
  readonly wants: (leaf: CheckpointLeaf, transaction: Uint8Array | undefined) => boolean;
}

/** Wants commit leaves, deadlines, and what became of the transactions of jobs: what encoders and clients follow. */
export function wantsJobs(leaf: CheckpointLeaf, transaction: Uint8Array | undefined): boolean {
  if (leaf.$kind !== "Transaction") return true;
  if (transaction === undefined) return false;
  const decoded = decodeSignedTransaction(transaction);
  return decoded.ok && concernsJob(decoded.value.transaction.kind);
}

/**
 * Proves the wanted leaves of a checkpoint, in as many updates as its size needs, at least one. The next epoch
 * is in every part, so that a reader need not wait for the last. Refuses with LEDGER_UPDATE_LEAF bytes that are
 * no leaf, with LEDGER_UPDATE_TOO_LARGE an entry that fits no update.
 */
export function buildLedgerUpdates(source: UpdateSource): Result<LedgerUpdate[]> {
  const chosen: { index: number; transaction: Uint8Array }[] = [];
  for (const [index, bytes] of source.leaves.entries()) {
    const leaf = decodeExact(CheckpointLeafCodec, bytes, bytes.length);
    if (!leaf.ok) return err("LEDGER_UPDATE_LEAF", `leaf ${index} does not decode`);
    const isTransaction = leaf.value.$kind === "Transaction";
    const transaction = isTransaction ? source.transaction(leaf.value.Transaction.digest) : undefined;
    if (isTransaction && transaction === undefined) continue;
    if (source.wants(leaf.value, transaction)) {
      chosen.push({ index, transaction: transaction ?? new Uint8Array(0) });
    }
  }
  const paths = merklePaths(
    source.leaves,
    chosen.map(({ index }) => index),
  );
  const entries = chosen.map(({ index, transaction }, i) => ({
    index,
    leaf: source.leaves[index]!,
    path: paths[i]!,
    transaction,
  }));
  return split(source.certificate, source.nextEpoch, entries);
}

function split(
  certificate: CertifiedCheckpoint,
  nextEpoch: EpochInfo | null,
  entries: LeafProof[],
): Result<LedgerUpdate[]> {
  const base = encodeLedgerUpdate({ certificate, entries: [], nextEpoch }).length + 8;
  const parts: LeafProof[][] = [[]];
  let size = base;
  for (const entry of entries) {
    const length = encode(LeafProofCodec, entry).length;
    if (base + length > MAX_LEDGER_UPDATE_BYTES) {
      return err("LEDGER_UPDATE_TOO_LARGE", `leaf ${entry.index} needs ${length} bytes`);
    }
    if (size + length > MAX_LEDGER_UPDATE_BYTES) {
      parts.push([]);
      size = base;
    }
    parts.at(-1)!.push(entry);
    size += length;
  }
  return ok(parts.map((part) => ({ certificate, entries: part, nextEpoch })));
}

/**
 * Takes an update into a light client and returns what it proves. A further part of the head's certificate is
 * taken too. Refusals: those of `LightClient.checkpoint`, `handover` and `provenFact`, and LIGHT_CLIENT_GAP (a
 * checkpoint between the head and this one is missing: ask for it), LEDGER_UPDATE_HANDOVER (the next epoch is
 * missing, or not called for), LEDGER_UPDATE_ORDER (entries not ascending).
 * A light client that has seen nothing yet may begin anywhere in the epoch that it knows.
 */
export function applyUpdate(client: LightClient, update: LedgerUpdate): Result<VerifiedFacts> {
  const { head } = client;
  const { sequence } = update.certificate.checkpoint;
  if (head !== undefined && sequence > head.sequence + 1n) {
    return err("LIGHT_CLIENT_GAP", `checkpoint ${sequence} after ${head.sequence}`);
  }
  return takeUpdate(client, update);
}

/**
 * Takes the updates of consecutive checkpoints after the head, in their order, by the last one's certificate alone: it is
 * over a digest of the checkpoint before, and so on to the head, so that whoever signed it vouches for all of them
 * (LEDGER-6). The certificates on the way are not looked at, and the light client keeps the last checkpoint only, as if
 * it had skipped the others. Gives what each update proves. Refusals: those of `applyUpdate` for the last checkpoint, and
 * LIGHT_CLIENT_CHAIN if one does not follow the one before, or is followed though it ends its epoch.
 */
export function applyRun(client: LightClient, updates: readonly LedgerUpdate[]): Result<VerifiedFacts[]> {
  const end = updates.at(-1)?.certificate.checkpoint.sequence;
  const way = updates.slice(
    0,
    updates.findIndex((update) => update.certificate.checkpoint.sequence === end),
  );
  const proven: VerifiedFacts[] = [];
  let before = client.head;
  for (const update of way) {
    const { checkpoint } = update.certificate;
    const follows = followsOn(client, before, checkpoint);
    if (!follows.ok) return follows;
    if (update.nextEpoch !== null || checkpoint.nextEpoch !== null) {
      return err("LIGHT_CLIENT_CHAIN", `checkpoint ${checkpoint.sequence} ends its epoch`);
    }
    const facts = proveEntries(client.chainId, update);
    if (!facts.ok) return facts;
    proven.push(facts.value);
    before = checkpoint;
  }
  for (const update of updates.slice(way.length)) {
    const follows = way.length === 0 ? ok(true) : followsOn(client, before, update.certificate.checkpoint);
    if (!follows.ok) return follows;
    const facts = way.length === 0 ? applyUpdate(client, update) : takeUpdate(client, update);
    if (!facts.ok) return facts;
    proven.push(facts.value);
    before = update.certificate.checkpoint;
  }
  return ok(proven);
}

/** Whether a checkpoint of the client's epoch comes right after `before`, or is `before` again: a further part of it. */
function followsOn(
  { chainId, epoch }: LightClient,
  before: Checkpoint | undefined,
  checkpoint: Checkpoint,
): Result<true> {
  const { sequence, previous } = checkpoint;
  const refusal = err<true>("LIGHT_CLIENT_CHAIN", `checkpoint ${sequence} does not follow the one before`);
  if (before === undefined || checkpoint.epoch !== epoch.epoch) return refusal;
  const digest = checkpointDigest(chainId, before);
  if (sequence === before.sequence)
    return checkpointDigest(chainId, checkpoint) === digest ? ok(true) : refusal;
  return sequence === before.sequence + 1n && previous === digest ? ok(true) : refusal;
}

function takeUpdate(client: LightClient, update: LedgerUpdate): Result<VerifiedFacts> {
  const { certificate, nextEpoch } = update;
  if ((nextEpoch === null) !== (certificate.checkpoint.nextEpoch === null)) {
    return err("LEDGER_UPDATE_HANDOVER", "the next epoch comes with the checkpoint that names it");
  }
  const facts = proveEntries(client.chainId, update);
  if (!facts.ok) return facts;
  const taken =
    nextEpoch === null ? client.checkpoint(certificate) : client.handover({ certificate, info: nextEpoch });
  return taken.ok ? facts : taken;
}

/** All entries against the checkpoint's own root; the caller must still see that it is certified. */
function proveEntries(chainId: string, update: LedgerUpdate): Result<VerifiedFacts> {
  const { certificate, entries, nextEpoch } = update;
  const { checkpoint } = certificate;
  const commits: CommitLeaf[] = [];
  const transactions: VerifiedTransaction[] = [];
  const deadlines: VerifiedDeadline[] = [];
  let last = -1;
  for (const entry of entries) {
    if (entry.index <= last) return err("LEDGER_UPDATE_ORDER", `leaf ${entry.index} after ${last}`);
    last = entry.index;
    const fact = provenFact(chainId, checkpoint, entry);
    if (!fact.ok) return fact;
    if (fact.value.kind === "commit") commits.push(fact.value.leaf);
    else if (fact.value.kind === "transaction") transactions.push(fact.value.transaction);
    else if (fact.value.kind === "deadline") deadlines.push(fact.value.deadline);
  }
  return ok({ checkpoint, commits, transactions, deadlines, nextEpoch });
}
