import type { SignatureVerifier } from "@soma/crypto";
import { aggregateBls } from "@soma/crypto/native";
import {
  bitmapOf,
  type CertifiedCheckpoint,
  type Checkpoint,
  checkpointSigningBytes,
  type EpochInfo,
  quorumStake,
} from "@soma/protocol";

/** Signatures of the committee over one checkpoint. They are checked together, once their stake is a quorum. */
export class SignatureSet {
  readonly #checkpoint: Checkpoint;
  readonly #message: Uint8Array;
  readonly #epoch: EpochInfo;
  readonly #verifier: SignatureVerifier;
  /** By index in the committee. */
  readonly #signatures = new Map<number, Uint8Array>();
  /** Members whose signature did not verify: it never will, since BLS signatures are unique. */
  readonly #refused = new Set<number>();

  constructor(chainId: string, checkpoint: Checkpoint, epoch: EpochInfo, verifier: SignatureVerifier) {
    this.#checkpoint = checkpoint;
    this.#message = checkpointSigningBytes(chainId, checkpoint);
    this.#epoch = epoch;
    this.#verifier = verifier;
  }

  /** Indices of the members whose signature was found invalid. */
  get refused(): ReadonlySet<number> {
    return this.#refused;
  }

  /** False if the member's is there, or was refused. */
  add(member: number, signature: Uint8Array): boolean {
    if (this.#signatures.has(member) || this.#refused.has(member)) return false;
    this.#signatures.set(member, signature);
    return true;
  }

  /** The certificate, once quorum stake has validly signed. */
  certify(): CertifiedCheckpoint | undefined {
    for (;;) {
      if (this.#stake() < quorumStake(this.#total())) return undefined;
      const members = [...this.#signatures.keys()].sort((a, b) => a - b);
      const aggregateSignature = this.#aggregate(members);
      if (aggregateSignature !== undefined) {
        const signers = bitmapOf(members, this.#epoch.committee.length);
        return { checkpoint: this.#checkpoint, signers, aggregateSignature };
      }
      for (const member of this.#invalid(members)) {
        this.#signatures.delete(member);
        this.#refused.add(member);
      }
    }
  }

  /** The members of a group that does not verify whose signature is to blame, by halving. At least one. */
  #invalid(members: readonly number[]): number[] {
    if (members.length === 1) return [...members];
    const half = members.length >> 1;
    const parts = [members.slice(0, half), members.slice(half)];
    const bad = parts.filter((part) => this.#aggregate(part) === undefined);
    // Halves that verify apart do so together, so one of them is bad.
    return bad.flatMap((part) => this.#invalid(part));
  }

  /** Undefined if the members' signatures do not verify together. */
  #aggregate(members: readonly number[]): Uint8Array | undefined {
    let aggregate: Uint8Array;
    try {
      aggregate = aggregateBls(members.map((member) => this.#signatures.get(member)!));
    } catch {
      return undefined;
    }
    const keys = members.map((member) => this.#epoch.committee[member]!.blsKey);
    return this.#verifier.bls(keys, this.#message, aggregate) ? aggregate : undefined;
  }

  #stake(): bigint {
    let stake = 0n;
    for (const member of this.#signatures.keys()) stake += this.#epoch.committee[member]!.stake;
    return stake;
  }

  #total(): bigint {
    let total = 0n;
    for (const { stake } of this.#epoch.committee) total += stake;
    return total;
  }
}
