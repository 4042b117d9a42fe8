import type { Result } from "@soma/base";
import { PeerMessageReceived } from "@soma/contracts";
import { EVERYBODY, type Hex32, type PeerMessageType } from "@soma/protocol";
import { type Bus, steadyNow } from "@soma/runtime";
import { activeTraceparent, type Telemetry, type Traceparent } from "@soma/telemetry";
import {
  type CanaryKind,
  canaryBody,
  type LinkPulse,
  linkPulse,
  type PulseLimits,
  readCanary,
} from "../core/canary.ts";
import { sealFrame } from "../core/frame.ts";
import type { Admitted, Ingress } from "../core/ingress.ts";
import type { Roster } from "../core/roster.ts";
import { routeOwn, type Situation } from "../core/routing.ts";
import type { QueueLimits } from "../core/send-queue.ts";
import type { Sequencer } from "../core/sequencer.ts";
import { Channel, type Direction } from "./channel.ts";
import type { PeeringMetrics } from "./metrics.ts";
import type { Operator } from "./operator.ts";
import type { EnvelopeVerifier } from "./verifier.ts";

export interface ExchangeDeps {
  readonly chainId: string;
  readonly us: Operator;
  readonly inside: Bus;
  readonly ingress: Ingress;
  readonly verifier: EnvelopeVerifier;
  readonly sequencer: Sequencer;
  readonly telemetry: Telemetry;
  readonly metrics: PeeringMetrics;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  readonly pulse: PulseLimits;
  readonly queue: QueueLimits;
}

/** What links are told. */
export interface LinkEvents {
  /** The peer forgot us: ask for admission again. */
  onReadmit(peer: Hex32): void;
  /** The peer was banned: end what it has. */
  onBanned(peer: Hex32): void;
  /** Nothing was heard over the link for too long. */
  onLost(channel: Channel): void;
}

/** Passes messages between this operator's services and its peers: signs what leaves, checks what comes, relays. */
export class Exchange implements Situation {
  roster: Roster;
  readonly us: Hex32;
  readonly #deps: ExchangeDeps;
  readonly #events: LinkEvents;
  readonly #channels = new Map<Hex32, Map<Direction, Channel>>();

  constructor(roster: Roster, deps: ExchangeDeps, events: LinkEvents) {
    this.roster = roster;
    this.us = deps.us.id;
    this.#deps = deps;
    this.#events = events;
  }

  /** The channel with a peer in one direction; made when it is not there yet. */
  channel(peer: Hex32, direction: Direction): Channel {
    let both = this.#channels.get(peer);
    if (both === undefined) {
      both = new Map();
      this.#channels.set(peer, both);
    }
    let channel = both.get(direction);
    if (channel === undefined) {
      channel = new Channel({
        peer,
        direction,
        limits: this.#deps.queue,
        nowMs: steadyNow(),
        onDropped: (count) => this.#deps.metrics.dropped.add(count, { peer }),
      });
      both.set(direction, channel);
    }
    return channel;
  }

  channels(): Channel[] {
    return [...this.#channels.values()].flatMap((both) => [...both.values()]);
  }

  isLinked(operator: Hex32): boolean {
    return this.#best(operator) !== undefined;
  }

  linked(): readonly Hex32[] {
    return [...this.#channels.keys()].filter((peer) => this.isLinked(peer));
  }

  isBanned(peer: Hex32): boolean {
    return this.#deps.ingress.isBanned(peer, steadyNow());
  }

  /** Signs a service's message and sends it on its way. To ourselves it goes straight back inside. */
  async send(type: PeerMessageType, recipient: Hex32, body: Uint8Array): Promise<void> {
    if (recipient === this.us) return this.#deliver(type, this.us, body);
    const routed = routeOwn(this, type, recipient);
    const sealed = routed.ok ? this.#seal(type, recipient, body) : routed;
    if (!routed.ok || !sealed.ok) {
      const code = routed.ok ? "ENVELOPE_TOO_LARGE" : routed.code;
      this.#deps.metrics.unsent.add(1, { type, code });
      this.#deps.telemetry.log.debug({ type, recipient, code }, "not sent");
      return;
    }
    const traceparent = activeTraceparent();
    for (const peer of routed.value) this.#sendTo(peer, sealed.value as Uint8Array, type, traceparent);
  }

  /** One canary over one channel. */
  beat(channel: Channel, kind: CanaryKind = "beat"): void {
    const sealed = this.#seal("canary", channel.peer, canaryBody(kind));
    if (sealed.ok) channel.send(sealed.value, "canary", undefined);
  }

  /** The signed bytes of a canary that asks a peer to be admitted again. */
  recall(peer: Hex32): Uint8Array {
    const sealed = this.#seal("canary", peer, canaryBody("admit-again"));
    return sealed.ok ? sealed.value : new Uint8Array();
  }

  /** Takes what arrived over a channel. Resolves when it has been dealt with. */
  async receive(channel: Channel, bytes: Uint8Array): Promise<void> {
    const { ingress, verifier, metrics } = this.#deps;
    const { peer } = channel;
    metrics.receivedBytes.add(bytes.length, { peer });
    const screened = ingress.screen(this, peer, bytes, steadyNow());
    if (!screened.ok) return this.#refuse(channel, screened.code);
    const { key, frame } = screened.value;
    const verified = verifier.verify(key, frame.signed, frame.signature);
    const isValid = typeof verified === "boolean" ? verified : await verified;
    const now = steadyNow();
    const admitted = ingress.conclude(this, screened.value, isValid, now);
    if (!admitted.ok) return this.#refuse(channel, admitted.code);
    channel.heard(now);
    channel.received++;
    metrics.received.add(1, { peer, type: frame.type });
    await this.#carryOut(admitted.value, bytes);
  }

  /** Beats on every channel, and raises or ends the alarm of silence. */
  tick(): void {
    const { metrics, telemetry } = this.#deps;
    for (const channel of this.channels()) {
      const { peer, direction } = channel;
      metrics.linked.set(channel.isOpen ? 1 : 0, { peer, direction });
      metrics.queue.set(channel.waiting, { peer });
      if (!channel.isOpen) continue;
      this.beat(channel);
      const pulse = this.#pulse(channel);
      if (channel.isSilent !== (pulse !== "alive")) {
        channel.isSilent = !channel.isSilent;
        const quietMs = steadyNow() - channel.lastHeardMs;
        if (channel.isSilent) telemetry.log.warn({ peer, direction, quietMs }, "a peer is silent");
        else telemetry.log.info({ peer, direction }, "a peer is heard again");
      }
      metrics.silent.set(channel.isSilent ? 1 : 0, { peer, direction });
      if (pulse === "lost") this.#events.onLost(channel);
    }
  }

  /** Another epoch's roster. Channels with those who left are the owner's to close. */
  adopt(roster: Roster): void {
    this.roster = roster;
    this.#deps.ingress.prune((id) => roster.get(id) !== undefined);
    for (const [peer, both] of this.#channels)
      if (roster.get(peer) === undefined && [...both.values()].every((channel) => !channel.isOpen))
        this.#channels.delete(peer);
  }

  async #carryOut({ frame, deliver, forward }: Admitted, bytes: Uint8Array): Promise<void> {
    if (frame.type === "canary") {
      if (readCanary(frame.body) === "admit-again") this.#events.onReadmit(frame.sender);
      return;
    }
    if (deliver) await this.#deliver(frame.type, frame.sender, frame.body);
    for (const peer of forward) {
      this.#deps.metrics.relayed.add(1, { peer });
      this.#sendTo(peer, bytes, frame.type, activeTraceparent());
    }
  }

  async #deliver(type: PeerMessageType, sender: Hex32, body: Uint8Array): Promise<void> {
    await this.#deps.inside.publish(PeerMessageReceived, { type }, { sender, body });
  }

  #seal(type: PeerMessageType, recipient: Hex32, body: Uint8Array): Result<Uint8Array> {
    const { chainId, us, sha256, sequencer } = this.#deps;
    const sequence = sequencer.next(Date.now());
    const draft = { chainId, sender: us.id, recipient, type, sequence, body };
    return sealFrame(draft, sha256, (message) => us.key.sign(message));
  }

  #sendTo(peer: Hex32, bytes: Uint8Array, type: PeerMessageType, traceparent: Traceparent | undefined): void {
    const channel = this.#best(peer);
    if (channel === undefined) {
      this.#deps.metrics.unsent.add(1, { type, code: "PEER_UNREACHABLE" });
      return;
    }
    channel.send(bytes, type, traceparent);
    this.#deps.metrics.sent.add(1, { peer, type });
    this.#deps.metrics.sentBytes.add(bytes.length, { peer });
  }

  #refuse(channel: Channel, code: string): void {
    const { peer } = channel;
    channel.refused++;
    this.#deps.metrics.refused.add(1, { peer, code });
    if ((code === "ENVELOPE_SIGNATURE" || code === "ENVELOPE_BODY") && this.isBanned(peer)) {
      this.#deps.telemetry.log.warn({ peer, code }, "a peer is banned");
      this.#events.onBanned(peer);
    }
  }

  #pulse(channel: Channel): LinkPulse {
    return linkPulse(channel.lastHeardMs, this.#deps.pulse, steadyNow());
  }

  /** The open channel that was heard best; of two that are alike, the dialled one. */
  #best(peer: Hex32): Channel | undefined {
    const both = this.#channels.get(peer);
    if (both === undefined || peer === EVERYBODY) return undefined;
    let silent: Channel | undefined;
    for (const direction of ["dialled", "admitted"] as const) {
      const channel = both.get(direction);
      if (channel?.isOpen !== true) continue;
      const pulse = this.#pulse(channel);
      if (pulse === "alive") return channel;
      if (pulse === "silent") silent ??= channel;
    }
    return silent;
  }
}
