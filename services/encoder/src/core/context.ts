import type { SignatureVerifier } from "@soma/crypto";
import {
  type EncoderId,
  type EpochInfo,
  jobSigningBytes,
  type Parameters as ProtocolParameters,
  type RosterEntry,
} from "@soma/protocol";
import type { EncoderJob } from "./job.ts";

type SignedByUs = "receipt" | "commit" | "optOut" | "reveal" | "unavailable";
type MessageOf<N extends SignedByUs | "offer"> = Parameters<typeof jobSigningBytes<N>>[2];

/** This encoder's keys as deterministic functions of what they sign, and the sum of BLS signatures. */
export interface EncoderSigner {
  /** Ed25519 over the bytes, with the message key of the roster. */
  message(bytes: Uint8Array): Uint8Array;
  /** BLS over the bytes. */
  evaluation(bytes: Uint8Array): Uint8Array;
  /** Null if one of them is no point of its group. */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array | null;
}

/** What an encoder's step may look at beside its state and input. Nothing else decides. */
export interface EncoderContext {
  readonly chainId: string;
  readonly encoder: EncoderId;
  readonly parameters: ProtocolParameters;
  /** SPACE-2's unit, from the genesis file. */
  readonly meanNormSquared: bigint;
  /** Modalities that this encoder's model serves. */
  readonly modalities: readonly number[];
  readonly verifier: SignatureVerifier;
  readonly signer: EncoderSigner;
}

export function signMessage<N extends SignedByUs>(
  context: EncoderContext,
  name: N,
  message: MessageOf<N>,
): Uint8Array {
  return context.signer.message(jobSigningBytes(context.chainId, name, message));
}

export function rosterEntry(epoch: EpochInfo, encoder: EncoderId): RosterEntry | undefined {
  return epoch.roster.find((entry) => entry.encoder === encoder);
}

/** Whether `encoder` signed the message with the key that the job's epoch holds for it. */
export function signedByEncoder<N extends SignedByUs>(
  context: EncoderContext,
  epoch: EpochInfo,
  encoder: EncoderId,
  name: N,
  message: MessageOf<N>,
  signature: Uint8Array,
): boolean {
  const entry = rosterEntry(epoch, encoder);
  if (entry === undefined) return false;
  const bytes = jobSigningBytes(context.chainId, name, message);
  return context.verifier.ed25519(entry.messageKey, bytes, signature);
}

/** The commit by which the attempt's selection is due (GAME-9). */
export function selectDeadline(context: EncoderContext, job: EncoderJob): bigint {
  return job.drawnAt + BigInt(context.parameters.selectTimeout);
}

export function revealDeadline(context: EncoderContext, job: EncoderJob): bigint {
  return job.selectedAt + BigInt(context.parameters.revealTimeout);
}

export function proofDeadline(context: EncoderContext, job: EncoderJob): bigint {
  return job.bundledAt + BigInt(context.parameters.proofTimeout);
}

/** Whether the last quarter of a window of `timeout` commits that ends at `deadline` has begun. */
export function isNear(head: bigint, deadline: bigint, timeout: number): boolean {
  return head >= deadline - BigInt(Math.ceil(timeout / 4));
}
