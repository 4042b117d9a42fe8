import { err, ok, type Result } from "@soma/base";
import { bcs, bytes32, decodeExact, encode, u16 } from "@soma/codec";
import type { SignatureVerifier } from "@soma/crypto";
import { verifyCertificate } from "./certificate.ts";
import {
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  type Checkpoint,
  type CheckpointLeaf,
  checkpointDigest,
  type EpochHandover,
} from "./checkpoint.ts";
import { type EpochInfo, EpochInfoCodec, epochInfoDigest } from "./epoch.ts";
import { type Genesis, genesisDigest, genesisEpoch } from "./genesis.ts";
import { type LeafProof, provenLeaf } from "./light-client-fact.ts";

/** Epochs whose committee, roster and prices a light client keeps: jobs outlive the epoch that they were paid in. */
export const LIGHT_CLIENT_EPOCHS = 8;
/** Checkpoints that it keeps, against whose roots leaves can be proved. */
export const LIGHT_CLIENT_CHECKPOINTS = 64;

const MAX_STATE_BYTES = 64 * 1024 * 1024;

/** A leaf's proof, and the checkpoint that it is against. */
export interface LeafClaim extends Omit<LeafProof, "transaction"> {
  readonly sequence: bigint;
}

/** Two certified checkpoints of one sequence: proof that a third of the stake signed twice (CONS-13). */
export interface ForkEvidence {
  readonly first: CertifiedCheckpoint;
  readonly second: CertifiedCheckpoint;
}

const StateCodec = bcs.struct("LightClientState", {
  version: u16,
  genesis: bytes32,
  epochs: bcs.vector(EpochInfoCodec),
  checkpoints: bcs.vector(CertifiedCheckpointCodec),
});
const STATE_VERSION = 1;

/**
 * Follows the ledger without a validator's word (LEDGER-6): from the genesis committee through hand-overs and
 * certified checkpoints, always forward. It may skip checkpoints within an epoch; every epoch's last one must
 * be seen, because it names the next committee. Every method is total, and a refusal changes nothing. Memory
 * is bounded by `LIGHT_CLIENT_EPOCHS` and `LIGHT_CLIENT_CHECKPOINTS`.
 */
export class LightClient {
  readonly chainId: string;
  readonly genesis: string;
  readonly #verifier: SignatureVerifier;
  /** Ascending; the last is the epoch whose committee signs now. */
  #epochs: EpochInfo[];
  /** Ascending by sequence; the last is the head. */
  #checkpoints: CertifiedCheckpoint[];

  private constructor(
    genesis: Genesis,
    verifier: SignatureVerifier,
    epochs: EpochInfo[],
    checkpoints: CertifiedCheckpoint[],
  ) {
    this.chainId = genesis.chainId;
    this.genesis = genesisDigest(genesis);
    this.#verifier = verifier;
    this.#epochs = epochs;
    this.#checkpoints = checkpoints;
  }

  /** Refuses as `genesisEpoch` does. */
  static fromGenesis(genesis: Genesis, verifier: SignatureVerifier): Result<LightClient> {
    const epoch = genesisEpoch(genesis);
    if (!epoch.ok) return epoch;
    return ok(new LightClient(genesis, verifier, [epoch.value], []));
  }

  /**
   * Continues from `save`d bytes, which come from the caller's own disk and are not verified again. Refusals:
   * CODEC_*, LIGHT_CLIENT_STATE (another version or genesis, or nothing in it).
   */
  static restore(bytes: Uint8Array, genesis: Genesis, verifier: SignatureVerifier): Result<LightClient> {
    const decoded = decodeExact(StateCodec, bytes, MAX_STATE_BYTES);
    if (!decoded.ok) return decoded;
    const { version, genesis: digest, epochs, checkpoints } = decoded.value;
    if (version !== STATE_VERSION || digest !== genesisDigest(genesis) || epochs.length === 0) {
      return err("LIGHT_CLIENT_STATE", "the saved state is of another version or network");
    }
    return ok(new LightClient(genesis, verifier, epochs, checkpoints));
  }

  save(): Uint8Array {
    return this.snapshot()();
  }

  /** What `save` would give now, encoded when it is called: milliseconds that a reader of every checkpoint spares. */
  snapshot(): () => Uint8Array {
    const state = {
      version: STATE_VERSION,
      genesis: this.genesis,
      epochs: this.#epochs,
      checkpoints: this.#checkpoints,
    };
    return () => encode(StateCodec, state);
  }

  /** The epoch whose committee signs now. */
  get epoch(): EpochInfo {
    return this.#epochs.at(-1)!;
  }

  /** The latest checkpoint, if any was seen. */
  get head(): Checkpoint | undefined {
    return this.#checkpoints.at(-1)?.checkpoint;
  }

  /** What stayed fixed in `epoch`; undefined before `LIGHT_CLIENT_EPOCHS` epochs ago and in the future. */
  epochInfo(epoch: bigint): EpochInfo | undefined {
    return this.#epochs.find((info) => info.epoch === epoch);
  }

  /** A certified checkpoint that is still kept. */
  certified(sequence: bigint): CertifiedCheckpoint | undefined {
    return this.#checkpoints.find((known) => known.checkpoint.sequence === sequence);
  }

  /**
   * Takes a certified checkpoint; one that is known already is taken again. Refusals: those of
   * `verifyCertificate`, and LIGHT_CLIENT_EPOCH_AHEAD (a hand-over is missing), LIGHT_CLIENT_EPOCH_CLOSED (the
   * epoch's last one was seen), LIGHT_CLIENT_BACKWARDS, LIGHT_CLIENT_CHAIN (`previous` is not the digest of the
   * one before), LIGHT_CLIENT_FORK (certified, but so is another of its sequence: `evidenceOf` has both).
   */
  checkpoint(certified: CertifiedCheckpoint): Result<Checkpoint> {
    const { checkpoint } = certified;
    const known = this.certified(checkpoint.sequence);
    if (known !== undefined) return this.#again(known, certified);
    const ordered = this.#inOrder(checkpoint);
    if (!ordered.ok) return ordered;
    const signed = verifyCertificate(this.chainId, certified, this.epoch, this.#verifier);
    if (!signed.ok) return signed;
    this.#checkpoints = [...this.#checkpoints, certified].slice(-LIGHT_CLIENT_CHECKPOINTS);
    return ok(checkpoint);
  }

  /**
   * Takes an epoch's last checkpoint with the next epoch that it names. Refusals: those of `checkpoint`, and
   * LIGHT_CLIENT_HANDOVER (the certificate names no such next epoch, or it does not follow).
   */
  handover({ certificate, info }: EpochHandover): Result<EpochInfo> {
    const { checkpoint } = certificate;
    if (this.epoch.epoch === info.epoch && epochInfoDigest(this.chainId, info) === this.#epochDigest()) {
      const again = this.checkpoint(certificate);
      return again.ok ? ok(info) : again;
    }
    if (checkpoint.nextEpoch === null || checkpoint.nextEpoch !== epochInfoDigest(this.chainId, info)) {
      return err("LIGHT_CLIENT_HANDOVER", "the checkpoint does not name this next epoch");
    }
    if (info.epoch !== checkpoint.epoch + 1n || info.lastCommit !== checkpoint.commitIndex) {
      return err("LIGHT_CLIENT_HANDOVER", "the next epoch does not follow its last checkpoint");
    }
    if (checkpoint.epoch !== this.epoch.epoch) {
      return err(
        checkpoint.epoch > this.epoch.epoch ? "LIGHT_CLIENT_EPOCH_AHEAD" : "LIGHT_CLIENT_BACKWARDS",
        `hand-over from epoch ${checkpoint.epoch} in epoch ${this.epoch.epoch}`,
      );
    }
    const taken = this.checkpoint(certificate);
    if (!taken.ok) return taken;
    this.#epochs = [...this.#epochs, info].slice(-LIGHT_CLIENT_EPOCHS);
    return ok(info);
  }

  /**
   * A fact of a checkpoint that was taken. Refusals: LIGHT_CLIENT_UNKNOWN (no such checkpoint is kept),
   * those of `provenLeaf`.
   */
  leaf(claim: LeafClaim): Result<CheckpointLeaf> {
    const certified = this.certified(claim.sequence);
    if (certified === undefined) {
      return err("LIGHT_CLIENT_UNKNOWN", `checkpoint ${claim.sequence} is not known`);
    }
    return provenLeaf(certified.checkpoint, claim);
  }

  /** The two certificates behind LIGHT_CLIENT_FORK; undefined if `certified` conflicts with nothing kept. */
  evidenceOf(certified: CertifiedCheckpoint): ForkEvidence | undefined {
    const first = this.certified(certified.checkpoint.sequence);
    if (first === undefined) return undefined;
    const digests = [first, certified].map((c) => checkpointDigest(this.chainId, c.checkpoint));
    if (digests[0] === digests[1]) return undefined;
    return this.#verified(certified).ok ? { first, second: certified } : undefined;
  }

  #epochDigest(): string {
    return epochInfoDigest(this.chainId, this.epoch);
  }

  #verified(certified: CertifiedCheckpoint): Result<true> {
    const epoch = this.epochInfo(certified.checkpoint.epoch);
    if (epoch === undefined) return err("LIGHT_CLIENT_BACKWARDS", "of an epoch that is not kept");
    return verifyCertificate(this.chainId, certified, epoch, this.#verifier);
  }

  #again(known: CertifiedCheckpoint, certified: CertifiedCheckpoint): Result<Checkpoint> {
    const digest = checkpointDigest(this.chainId, certified.checkpoint);
    if (digest === checkpointDigest(this.chainId, known.checkpoint)) return ok(known.checkpoint);
    const signed = this.#verified(certified);
    if (!signed.ok) return signed;
    return err("LIGHT_CLIENT_FORK", `two certified checkpoints ${certified.checkpoint.sequence}`);
  }

  #inOrder(checkpoint: Checkpoint): Result<true> {
    const { epoch, head } = this;
    if (checkpoint.epoch < epoch.epoch) {
      return err("LIGHT_CLIENT_BACKWARDS", `of epoch ${checkpoint.epoch}, after ${epoch.epoch} began`);
    }
    if (checkpoint.epoch > epoch.epoch) {
      return err("LIGHT_CLIENT_EPOCH_AHEAD", `of epoch ${checkpoint.epoch}, whose committee is not known`);
    }
    if (checkpoint.sequence < 1n || checkpoint.commitIndex <= epoch.lastCommit) {
      return err("LIGHT_CLIENT_BACKWARDS", "covers no commit of its epoch");
    }
    if (head === undefined) return ok(true);
    if (head.epoch === checkpoint.epoch && head.nextEpoch !== null) {
      return err("LIGHT_CLIENT_EPOCH_CLOSED", `epoch ${head.epoch} ended at checkpoint ${head.sequence}`);
    }
    if (
      checkpoint.sequence <= head.sequence ||
      checkpoint.commitIndex <= head.commitIndex ||
      checkpoint.timestampMs < head.timestampMs
    ) {
      return err("LIGHT_CLIENT_BACKWARDS", `checkpoint ${checkpoint.sequence} after ${head.sequence}`);
    }
    const consecutive = checkpoint.sequence === head.sequence + 1n;
    if (consecutive && checkpoint.previous !== checkpointDigest(this.chainId, head)) {
      return err("LIGHT_CLIENT_CHAIN", `checkpoint ${checkpoint.sequence} does not follow the one before`);
    }
    return ok(true);
  }
}
