import { fromHex, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import {
  type Address,
  type Amount,
  type Digest,
  type EncoderId,
  type EpochInfo,
  jobSigningBytes,
  type LedgerEventInput,
  type Parameters as ProtocolParameters,
  type RosterEntry,
} from "@soma/protocol";
import type { Job, SlashCause } from "./job.ts";
import type { JobStanding } from "./standing.ts";

/** What a step of a job may look at. Nothing else decides. */
export interface GameContext {
  readonly chainId: string;
  readonly parameters: ProtocolParameters;
  readonly verifier: SignatureVerifier;
  /** The commit being executed, the game's clock (GAME-9), and its beacon. */
  readonly commit: bigint;
  readonly beacon: Digest;
  /** Facts of the epoch in which the job was paid. */
  readonly epoch: EpochInfo;
}

/** What a step asks the ledger to do. Payments and burns come out of the job's escrow. */
export type GameEffect =
  | { readonly kind: "pay"; readonly to: Address; readonly amount: Amount }
  /** To the recyclable pool. */
  | { readonly kind: "burn"; readonly amount: Amount }
  | {
      readonly kind: "slash";
      readonly encoder: EncoderId;
      readonly cause: SlashCause;
      readonly bps: number;
      /** Never more than this (ADR 0001); null for no such bound. */
      readonly cap: Amount | null;
      /** Who brought the evidence and gets its share; null when the ledger itself saw it. */
      readonly bringer: Address | null;
    }
  /** The winner of a proven job, for the epoch's settlement (ECON-3). */
  | { readonly kind: "proven"; readonly winner: EncoderId; readonly burned: Amount }
  /** What a proven result says of the chosen, for the epoch's end (SCORE-2). */
  | { readonly kind: "standings"; readonly standings: readonly JobStanding[] }
  | { readonly kind: "event"; readonly event: LedgerEventInput }
  /** Ask again at this commit. */
  | { readonly kind: "wake"; readonly commit: bigint }
  /** Nothing more can happen: the record may go. */
  | { readonly kind: "forget" };

export interface GameStep {
  readonly job: Job;
  readonly effects: readonly GameEffect[];
}

export function stepped(job: Job, ...effects: readonly GameEffect[]): Result<GameStep> {
  return ok({ job, effects });
}

export function event(event: LedgerEventInput): GameEffect {
  return { kind: "event", event };
}

export function rosterEntry(context: GameContext, encoder: EncoderId): RosterEntry | undefined {
  return context.epoch.roster.find((entry) => entry.encoder === encoder);
}

type EncoderMessage = "receipt" | "commit" | "optOut" | "reveal" | "unavailable";

/** Whether `encoder` signed the message with the key that the job's epoch holds for it. */
export function signedByEncoder<N extends EncoderMessage>(
  context: GameContext,
  encoder: EncoderId,
  name: N,
  message: Parameters<typeof jobSigningBytes<N>>[2],
  signature: Uint8Array,
): boolean {
  const entry = rosterEntry(context, encoder);
  if (entry === undefined) return false;
  return context.verifier.ed25519(
    entry.messageKey,
    jobSigningBytes(context.chainId, name, message),
    signature,
  );
}

/** Whether the submitter's session key signed the message. */
export function signedBySession<N extends "offer" | "selection" | "bundle">(
  context: GameContext,
  job: Job,
  name: N,
  message: Parameters<typeof jobSigningBytes<N>>[2],
  signature: Uint8Array,
): boolean {
  const bytes = jobSigningBytes(context.chainId, name, message);
  return context.verifier.ed25519(fromHex(job.sessionKey), bytes, signature);
}
