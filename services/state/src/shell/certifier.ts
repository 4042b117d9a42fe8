import { SomaError } from "@soma/base";
import { nativeVerifier } from "@soma/crypto/native";
import {
  buildLedgerUpdates,
  type CertifiedCheckpoint,
  checkpointDigest,
  type Digest,
  type EpochInfo,
  encodeLedgerUpdate,
  type ValidatorId,
  verifyCertificate,
  wantsJobs,
} from "@soma/protocol";
import { type Logger, outsideSpans } from "@soma/telemetry";
import type { Epochs } from "./epochs.ts";
import type { StateMetrics } from "./metrics.ts";
import type { CheckpointSignature } from "./peer-wire.ts";
import { SignatureSet } from "./signature-set.ts";
import type { StateStore, UncertifiedCheckpoint } from "./store.ts";

/** A certificate that is in the database, and the epoch that it opened. */
export interface Certified {
  readonly certificate: CertifiedCheckpoint;
  readonly opened: EpochInfo | null;
}

export interface CertifierOptions {
  readonly chainId: string;
  readonly validator: ValidatorId;
  readonly store: StateStore;
  readonly epochs: Epochs;
  /** Sequence number of the last checkpoint that is certified in the database. */
  readonly certified: bigint;
  readonly metrics: StateMetrics;
  readonly log: Logger;
  readonly announce: (certified: Certified) => Promise<void>;
  /**
   * Told of the newest checkpoint that others certified and this ledger has not reached: consensus fetches the way. It may
   * have missed what was said before it listened, so that it is told again and again.
   */
  readonly lead: (certificate: CertifiedCheckpoint) => Promise<void>;
  readonly fail: (error: unknown) => void;
}

interface Pending extends UncertifiedCheckpoint {
  readonly epoch: EpochInfo;
  readonly set: SignatureSet;
  readonly since: number;
  certificate: CertifiedCheckpoint | undefined;
}

/** How far ahead of the own checkpoints a peer's signatures are kept; it sends them again. */
const FUTURE = 64n;
/** Certificates that are kept ahead of the own checkpoints; the rest is asked for again. */
const MAX_LEARNED = 4_096;
const NO_TRANSACTIONS: ReadonlyMap<Digest, Uint8Array> = new Map();

/**
 * Turns own checkpoints into certified ones, in their order: by the committee's signatures, or by a certificate that a
 * peer has already (LEDGER-5).
 */
export class Certifier {
  readonly #o: CertifierOptions;
  readonly #pending: Pending[] = [];
  /** Signatures over checkpoints that are not built here yet, by signer and sequence number. */
  readonly #future = new Map<ValidatorId, Map<bigint, CheckpointSignature>>();
  /** Certificates of checkpoints that are not built here yet, each verified, without a gap. */
  readonly #learned = new Map<bigint, CertifiedCheckpoint>();
  #certified: bigint;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: CertifierOptions) {
    this.#o = options;
    this.#certified = options.certified;
  }

  /** Sequence number of the last certified checkpoint. */
  get certified(): bigint {
    return this.#certified;
  }

  /** Sequence number of the last checkpoint that is built here, or certified elsewhere and known to be. */
  get known(): bigint {
    return this.#lastBuilt() + BigInt(this.#learned.size);
  }

  /** The committee that certifies what is not known yet. */
  get committee(): EpochInfo["committee"] {
    return this.#o.epochs.opened.committee;
  }

  /** Own checkpoints without a certificate, oldest first. */
  get pending(): readonly (UncertifiedCheckpoint & { readonly epoch: EpochInfo; readonly since: number })[] {
    return this.#pending;
  }

  /** The next own checkpoint, which is in the database. */
  add(own: UncertifiedCheckpoint): void {
    const { chainId, epochs, validator } = this.#o;
    const { checkpoint } = own;
    const epoch = epochs.infoOf(checkpoint.epoch);
    const set = new SignatureSet(chainId, checkpoint, epoch, nativeVerifier);
    const pending: Pending = { ...own, epoch, set, since: performance.now(), certificate: undefined };
    this.#pending.push(pending);
    const learned = this.#learned.get(checkpoint.sequence);
    this.#learned.delete(checkpoint.sequence);
    if (learned !== undefined && !this.#fit(pending, learned)) return;
    if (own.signature !== null) set.add(memberIndex(epoch, validator), own.signature);
    for (const [signer, signatures] of this.#future) {
      const early = signatures.get(checkpoint.sequence);
      signatures.delete(checkpoint.sequence);
      if (signatures.size === 0) this.#future.delete(signer);
      if (early !== undefined) this.#take(pending, early);
    }
    this.#advance();
  }

  /** A signature that `message.signer` sent itself. */
  signed(message: CheckpointSignature): void {
    const { sequence } = message;
    if (sequence <= this.#certified) return;
    const pending = this.#pending.find(({ checkpoint }) => checkpoint.sequence === sequence);
    if (pending !== undefined) {
      this.#take(pending, message);
      this.#advance();
      return;
    }
    const { opened } = this.#o.epochs;
    if (sequence > this.#lastBuilt() + FUTURE || memberIndex(opened, message.signer) < 0) {
      this.#count("CHECKPOINT_FUTURE");
      return;
    }
    const known = this.#future.get(message.signer) ?? new Map<bigint, CheckpointSignature>();
    known.set(sequence, message);
    this.#future.set(message.signer, known);
  }

  /**
   * Certificates from a peer, ascending; those ahead of the own checkpoints say where the network is. One over another
   * checkpoint than the own is the end: this ledger is not the network's. Resolves when they are stored.
   */
  async received(certificates: readonly CertifiedCheckpoint[]): Promise<void> {
    const { chainId, epochs } = this.#o;
    const before = this.#learned.size;
    for (const certificate of certificates) {
      const { sequence, epoch } = certificate.checkpoint;
      const pending = this.#pending.find(({ checkpoint }) => checkpoint.sequence === sequence);
      const isNews = pending === undefined ? sequence === this.known + 1n : pending.certificate === undefined;
      const signedBy = pending?.epoch ?? epochs.opened;
      // Later committees are known when the ledger gets there.
      if (!isNews || epoch !== signedBy.epoch || this.#learned.size >= MAX_LEARNED) continue;
      const verified = verifyCertificate(chainId, certificate, signedBy, nativeVerifier);
      if (!verified.ok) {
        this.#count(verified.code);
        return;
      }
      if (pending === undefined) {
        this.#learned.set(sequence, certificate);
      } else if (!this.#fit(pending, certificate)) return;
    }
    if (this.#learned.size > before) await this.lead();
    this.#advance();
    await this.#running;
  }

  /** Says how far others are, if this ledger has not got there. */
  async lead(): Promise<void> {
    const newest = this.#learned.get(this.known);
    if (newest !== undefined) await this.#o.lead(newest);
  }

  /** A verified certificate for an own checkpoint; false if it is over another one. */
  #fit(pending: Pending, certificate: CertifiedCheckpoint): boolean {
    const { chainId, fail } = this.#o;
    if (checkpointDigest(chainId, certificate.checkpoint) === pending.digest) {
      pending.certificate = certificate;
      return true;
    }
    const { sequence, stateDigest, commitIndex } = certificate.checkpoint;
    const { checkpoint: own } = pending;
    fail(
      new SomaError(
        "STATE_DIVERGED",
        `checkpoint ${sequence} is certified at commit ${commitIndex} with state ${stateDigest}; own: commit ${own.commitIndex}, state ${own.stateDigest}`,
      ),
    );
    return false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  #lastBuilt(): bigint {
    return this.#pending.at(-1)?.checkpoint.sequence ?? this.#certified;
  }

  #take(pending: Pending, { digest, signer, signature }: CheckpointSignature): void {
    const member = memberIndex(pending.epoch, signer);
    if (member < 0) this.#count("CHECKPOINT_STRANGER");
    else if (digest !== pending.digest) this.#count("CHECKPOINT_DIGEST");
    else if (pending.set.add(member, signature)) this.#count("taken");
  }

  #advance(): void {
    if (this.#isClosed) return;
    this.#running ??= outsideSpans(() => this.#run())
      .catch((error: unknown) => {
        this.#isClosed = true;
        this.#o.fail(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #run(): Promise<void> {
    for (let head = this.#pending[0]; head !== undefined && !this.#isClosed; head = this.#pending[0]) {
      const refusedBefore = head.set.refused.size;
      const certificate = head.certificate ?? head.set.certify();
      const refused = head.set.refused.size - refusedBefore;
      if (refused > 0) this.#count("CHECKPOINT_SIGNATURE", refused);
      if (certificate === undefined) return;
      await this.#certify(head, certificate);
    }
  }

  async #certify(head: Pending, certificate: CertifiedCheckpoint): Promise<void> {
    const { store, epochs, metrics, announce } = this.#o;
    const { sequence, epoch, nextEpoch } = head.checkpoint;
    await store.certify(certificate, await this.#updates(head, certificate));
    this.#pending.shift();
    this.#certified = sequence;
    metrics.checkpoint.set(Number(sequence), { stage: "certified" });
    metrics.certification.record((performance.now() - head.since) / 1000);
    const opened = nextEpoch === null ? null : epochs.open(epoch + 1n);
    await announce({ certificate, opened });
  }

  /** What light clients are served for this checkpoint. */
  async #updates(head: Pending, certificate: CertifiedCheckpoint): Promise<Uint8Array[]> {
    const { store, epochs, log } = this.#o;
    const { sequence, commitIndex, epoch, nextEpoch } = head.checkpoint;
    const { leaves, after, hasJobs } = await store.coveredBy(sequence);
    const transactions = hasJobs ? await store.jobTransactions(after, commitIndex) : NO_TRANSACTIONS;
    const updates = buildLedgerUpdates({
      certificate,
      leaves,
      transaction: (digest) => transactions.get(digest),
      nextEpoch: nextEpoch === null ? null : epochs.infoOf(epoch + 1n),
      wants: wantsJobs,
    });
    if (updates.ok) return updates.value.map(encodeLedgerUpdate);
    log.error({ sequence: String(sequence), code: updates.code }, "no ledger update can be made");
    return [];
  }

  #count(outcome: string, count = 1): void {
    this.#o.metrics.signatures.add(count, { outcome });
  }
}

function memberIndex({ committee }: EpochInfo, validator: ValidatorId): number {
  return committee.findIndex((member) => member.validator === validator);
}
