import { bytesEqual, err, ok, type Result } from "@soma/base";
import type { Hex32 } from "@soma/protocol";
import { type Conduct, type ConductLimits, GOOD_CONDUCT, isBanned, strike } from "./conduct.ts";
import { type Frame, readFrame } from "./frame.ts";
import type { PeerKind } from "./message-types.ts";
import { ReplayWindow } from "./replay-window.ts";
import { type Routed, routeReceived, type Situation } from "./routing.ts";
import { fullBuckets, type PeerBuckets, type PeerLimits, takeMessage } from "./token-bucket.ts";

export interface IngressOptions {
  readonly chainId: string;
  readonly limits: Readonly<Record<PeerKind, PeerLimits>>;
  readonly conduct: ConductLimits;
  /** Sequence numbers remembered of each sender. */
  readonly replayWindow: number;
  /** Sequence numbers up to here are refused: they were used before this process began to remember. */
  readonly replayFloor: number;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

/** An envelope that passed everything but the check of its signature. */
export interface Screened {
  readonly via: Hex32;
  readonly frame: Frame;
  /** The sender's key on the roster. */
  readonly key: Uint8Array;
}

/** A verified envelope and where it goes. */
export interface Admitted extends Routed {
  readonly frame: Frame;
}

/**
 * The checks of what comes over links, cheapest first, so that a flood costs little and harms nobody but its sender.
 * Time is an argument. One instance serves an operator; its state is bounded by the roster.
 */
export class Ingress {
  readonly #options: IngressOptions;
  readonly #buckets = new Map<Hex32, PeerBuckets>();
  readonly #windows = new Map<Hex32, ReplayWindow>();
  readonly #conduct = new Map<Hex32, Conduct>();

  constructor(options: IngressOptions) {
    this.#options = options;
  }

  isBanned(peer: Hex32, nowMs: number): boolean {
    return isBanned(this.#conduct.get(peer) ?? GOOD_CONDUCT, nowMs);
  }

  /**
   * Everything before the signature. Beside the codes of `readFrame` and `routeReceived`: PEER_BANNED, PEER_RATE,
   * ENVELOPE_REPLAY, ENVELOPE_BODY (which counts against the link).
   */
  screen(situation: Situation, via: Hex32, bytes: Uint8Array, nowMs: number): Result<Screened> {
    const { chainId, limits, sha256 } = this.#options;
    const peer = situation.roster.get(via);
    if (peer === undefined) return err("PEER_UNKNOWN", "the link's peer left the roster");
    if (this.isBanned(via, nowMs)) return err("PEER_BANNED", "banned for bad signatures");
    const limit = limits[peer.kind];
    const taken = takeMessage(
      this.#buckets.get(via) ?? fullBuckets(limit, nowMs),
      limit,
      bytes.length,
      nowMs,
    );
    if (taken === undefined) return err("PEER_RATE", "more than the peer's share");
    this.#buckets.set(via, taken);
    const read = readFrame(bytes, chainId);
    if (!read.ok) return read;
    const frame = read.value;
    const routed = routeReceived(situation, via, frame);
    if (!routed.ok) return routed;
    if (!this.#window(frame.sender).admits(frame.sequence))
      return err("ENVELOPE_REPLAY", "seen before, or too old to tell");
    if (!bytesEqual(sha256(frame.body), frame.bodyHash)) {
      this.#strike(via, nowMs);
      return err("ENVELOPE_BODY", "the body does not match its hash");
    }
    return ok({ via, frame, key: situation.roster.get(frame.sender)!.key });
  }

  /**
   * What follows from the signature's check. A bad one counts against the peer whose own it is. A relay checked it too,
   * but perhaps by another epoch's roster, in which the sender had another key: it is refused and stays a relay, bounded
   * by its share. Codes: ENVELOPE_SIGNATURE, ENVELOPE_REPLAY, and those of `routeReceived`, for the roster or
   * the links may have changed meanwhile.
   */
  conclude(situation: Situation, screened: Screened, isValid: boolean, nowMs: number): Result<Admitted> {
    const { via, frame } = screened;
    if (!isValid) {
      if (via === frame.sender) this.#strike(via, nowMs);
      return err("ENVELOPE_SIGNATURE", "the signature does not verify");
    }
    const routed = routeReceived(situation, via, frame);
    if (!routed.ok) return routed;
    if (!this.#window(frame.sender).take(frame.sequence)) return err("ENVELOPE_REPLAY", "seen before");
    return ok({ frame, ...routed.value });
  }

  /** Forgets operators that are no longer on the roster, bans included. */
  prune(isMember: (operator: Hex32) => boolean): void {
    for (const held of [this.#buckets, this.#windows, this.#conduct])
      for (const id of held.keys()) if (!isMember(id)) held.delete(id);
  }

  #window(sender: Hex32): ReplayWindow {
    let window = this.#windows.get(sender);
    if (window === undefined) {
      window = new ReplayWindow(this.#options.replayWindow, this.#options.replayFloor);
      this.#windows.set(sender, window);
    }
    return window;
  }

  #strike(via: Hex32, nowMs: number): void {
    this.#conduct.set(via, strike(this.#conduct.get(via) ?? GOOD_CONDUCT, this.#options.conduct, nowMs));
  }
}
