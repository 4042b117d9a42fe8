import {
  bitmapOf,
  type CertifiedCheckpoint,
  checkpointDigest,
  checkpointSigningBytes,
  type EpochInfo,
  quorumStake,
  verifyCertificate,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import type { OwnCheckpoint } from "./ledger-host.ts";
import { aggregate, networkVerifier } from "./network-crypto.ts";

interface Share {
  readonly digest: string;
  readonly signature: Uint8Array;
}

const FUTURE = 200n;
const SERVED = 24;

/** Turns own checkpoints into certified ones (LEDGER-5): aggregate first, verify once, look for the bad one only if that fails. */
export class Certifier {
  readonly #shares = new Map<bigint, Map<string, Share>>();
  readonly #certificates = new Map<bigint, CertifiedCheckpoint>();
  /** Sequence number before which every own checkpoint is certified. */
  #first = 1;
  /** Signatures that did not verify. */
  badShares = 0;

  certificate(sequence: bigint): CertifiedCheckpoint | undefined {
    return this.#certificates.get(sequence);
  }

  /** The first few own checkpoints without a certificate. */
  pending(own: readonly OwnCheckpoint[]): OwnCheckpoint[] {
    while (this.#certificates.has(BigInt(this.#first))) this.#first += 1;
    const candidates = own.slice(this.#first - 1, this.#first + 31);
    return candidates.filter(({ checkpoint }) => !this.#certificates.has(checkpoint.sequence)).slice(0, 8);
  }

  /** For a peer: certificates after a sequence number. */
  after(sequence: bigint): CertifiedCheckpoint[] {
    const found: CertifiedCheckpoint[] = [];
    for (let next = sequence + 1n; found.length < SERVED; next++) {
      const certificate = this.#certificates.get(next);
      if (certificate === undefined) break;
      found.push(certificate);
    }
    return found;
  }

  /** A process forgets signatures; certificates are in its database, as far as the checkpoints in it go. */
  restart(last: bigint): void {
    this.#shares.clear();
    this.#first = 1;
    for (const sequence of [...this.#certificates.keys()])
      if (sequence > last) this.#certificates.delete(sequence);
  }

  /** Takes a signature. The certificate, if it came together now. */
  take(
    signer: string,
    sequence: bigint,
    share: Share,
    own: readonly OwnCheckpoint[],
    epochOf: (epoch: bigint) => EpochInfo | undefined,
  ): CertifiedCheckpoint | null {
    if (this.#certificates.has(sequence) || sequence > BigInt(own.length) + FUTURE) return null;
    const shares = this.#shares.get(sequence) ?? new Map<string, Share>();
    this.#shares.set(sequence, shares);
    if (!shares.has(signer)) shares.set(signer, share);
    return this.certify(sequence, own, epochOf);
  }

  /** Tries again what may have waited for the own checkpoint. */
  certify(
    sequence: bigint,
    own: readonly OwnCheckpoint[],
    epochOf: (epoch: bigint) => EpochInfo | undefined,
  ): CertifiedCheckpoint | null {
    const mine = own[Number(sequence) - 1];
    const epoch = mine && epochOf(mine.checkpoint.epoch);
    const shares = this.#shares.get(sequence);
    if (
      mine === undefined ||
      epoch === undefined ||
      shares === undefined ||
      this.#certificates.has(sequence)
    ) {
      return null;
    }
    const made = this.#combine(mine, epoch, shares);
    if (made === null) return null;
    this.#certificates.set(sequence, made);
    this.#shares.delete(sequence);
    return made;
  }

  #combine(mine: OwnCheckpoint, epoch: EpochInfo, shares: Map<string, Share>): CertifiedCheckpoint | null {
    const { committee } = epoch;
    const total = committee.reduce((sum, { stake }) => sum + stake, 0n);
    for (;;) {
      const signers = committee.flatMap(({ validator }, i) =>
        shares.get(validator)?.digest === mine.digest ? [i] : [],
      );
      const stake = signers.reduce((sum, i) => sum + committee[i]!.stake, 0n);
      if (stake < quorumStake(total)) return null;
      const signatures = signers.map((i) => shares.get(committee[i]!.validator)!.signature);
      const certified = {
        checkpoint: mine.checkpoint,
        signers: bitmapOf(signers, committee.length),
        aggregateSignature: aggregate(signatures),
      };
      if (verifyCertificate(SIM_CHAIN, certified, epoch, networkVerifier).ok) return certified;
      const message = checkpointSigningBytes(SIM_CHAIN, mine.checkpoint);
      for (const [at, i] of signers.entries()) {
        const { validator, blsKey } = committee[i]!;
        if (networkVerifier.bls([blsKey], message, signatures[at]!)) continue;
        shares.delete(validator);
        this.badShares += 1;
      }
    }
  }

  /** A certificate from a peer. False if it is over another checkpoint than the own one: this ledger is not the network's. */
  received(
    certified: CertifiedCheckpoint,
    own: readonly OwnCheckpoint[],
    epochOf: (epoch: bigint) => EpochInfo | undefined,
  ): "taken" | "ignored" | "diverged" {
    const { sequence, epoch: number } = certified.checkpoint;
    const mine = own[Number(sequence) - 1];
    const epoch = epochOf(number);
    if (mine === undefined || epoch === undefined || this.#certificates.has(sequence)) return "ignored";
    if (!verifyCertificate(SIM_CHAIN, certified, epoch, networkVerifier).ok) return "ignored";
    if (checkpointDigest(SIM_CHAIN, certified.checkpoint) !== mine.digest) return "diverged";
    this.#certificates.set(sequence, certified);
    this.#shares.delete(sequence);
    return "taken";
  }
}
