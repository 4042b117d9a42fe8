import { err, ok, type Result } from "@soma/base";
import type { Hex32 } from "@soma/protocol";
import { type AdmissionRequest, admissionSigningBytes } from "./admission-bytes.ts";
import type { Peer, Roster } from "./roster.ts";
import { type BucketLimits, fullBucket, type TokenBucket, takeTokens } from "./token-bucket.ts";

export interface AdmissionOptions {
  readonly chainId: string;
  readonly us: Hex32;
  /** How far the peer's clock may be from ours. */
  readonly clockToleranceMs: number;
  /** Lifetime of a credential. */
  readonly lifetimeMs: number;
  /** Admissions of one peer. */
  readonly perPeer: BucketLimits;
  /** Signature checks for everybody together, since a request costs one before anything is proved. */
  readonly checks: BucketLimits;
  readonly verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

export interface AdmissionInput {
  readonly peer: Hex32;
  readonly userKey: string;
  readonly issuedAtMs: number;
  readonly signature: Uint8Array;
}

export interface AdmissionGrant {
  readonly peer: Peer;
  readonly userKey: string;
  readonly expiresAtMs: number;
}

/** Decides who is admitted at the edge. Time is an argument; the state is bounded by the roster. */
export class AdmissionDesk {
  readonly #options: AdmissionOptions;
  readonly #byPeer = new Map<Hex32, { bucket: TokenBucket; lastIssuedAtMs: number }>();
  #checks: TokenBucket | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Grants a credential to whoever proves a key of the roster. A peer's share is charged only for what it signed, so
   * that nobody else can use it up. `nowMs` is the time of day, `steadyMs` a clock that never goes back, for the shares.
   * Codes: ADMISSION_STRANGER, ADMISSION_BANNED, ADMISSION_CLOCK, ADMISSION_REPLAY
   * (not later than the last granted), ADMISSION_SIGNATURE, ADMISSION_RATE.
   */
  decide(
    roster: Roster,
    input: AdmissionInput,
    isBanned: boolean,
    nowMs: number,
    steadyMs = nowMs,
  ): Result<AdmissionGrant> {
    const { chainId, us, clockToleranceMs, lifetimeMs, perPeer, checks, verify } = this.#options;
    const peer = roster.get(input.peer);
    if (peer === undefined || peer.id === us)
      return err("ADMISSION_STRANGER", "not an operator of the roster that may be admitted here");
    if (isBanned) return err("ADMISSION_BANNED", "banned for bad signatures; try again later");
    if (Math.abs(input.issuedAtMs - nowMs) > clockToleranceMs)
      return err("ADMISSION_CLOCK", `signed at ${input.issuedAtMs}, and here it is ${nowMs}`);
    const known = this.#byPeer.get(peer.id);
    if (known !== undefined && input.issuedAtMs <= known.lastIssuedAtMs)
      return err("ADMISSION_REPLAY", "not later than the request before it");
    const checked = takeTokens(this.#checks ?? fullBucket(checks, steadyMs), checks, 1, steadyMs);
    if (checked === undefined) return err("ADMISSION_RATE", "too many requests of all peers; try again");
    this.#checks = checked;
    const request: AdmissionRequest = {
      operator: us,
      peer: peer.id,
      userKey: input.userKey,
      issuedAtMs: input.issuedAtMs,
    };
    if (!verify(peer.key, admissionSigningBytes(chainId, request), input.signature))
      return err("ADMISSION_SIGNATURE", "the signature does not verify under the peer's key");
    const bucket = takeTokens(known?.bucket ?? fullBucket(perPeer, steadyMs), perPeer, 1, steadyMs);
    if (bucket === undefined) return err("ADMISSION_RATE", "too many requests of this peer; try again later");
    this.#byPeer.set(peer.id, { bucket, lastIssuedAtMs: input.issuedAtMs });
    // The server counts in whole seconds: the peer is told the end that will be, or it renews too late.
    const expiresAtMs = Math.floor((nowMs + lifetimeMs) / 1000) * 1000;
    return ok({ peer, userKey: input.userKey, expiresAtMs });
  }

  /** Forgets operators that are no longer on the roster. */
  prune(isMember: (operator: Hex32) => boolean): void {
    for (const id of this.#byPeer.keys()) if (!isMember(id)) this.#byPeer.delete(id);
  }
}
