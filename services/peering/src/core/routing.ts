import { err, ok, type Result } from "@soma/base";
import { EVERYBODY, type Hex32, type PeerMessageType } from "@soma/protocol";
import { mayExchange } from "./message-types.ts";
import type { Roster } from "./roster.ts";

/** What routing knows of the network. */
export interface Situation {
  readonly us: Hex32;
  readonly roster: Roster;
  /** Whether there is a link with this operator over which it was heard lately. */
  isLinked(operator: Hex32): boolean;
  /** Every operator that is linked. */
  linked(): readonly Hex32[];
}

/** Relays that get a copy when the recipient is not linked: one may withhold. */
const RELAYS = 2;

/**
 * Where an own envelope goes. To everybody: to each linked peer that may read the type, and no further. To one: to it
 * if it is linked, else to two validators, first those where the recipient is at home.
 * Codes: PEER_UNKNOWN, PEER_TYPE_FORBIDDEN, PEER_UNREACHABLE.
 */
export function routeOwn(
  situation: Situation,
  type: PeerMessageType,
  recipient: Hex32,
): Result<readonly Hex32[]> {
  const { us, roster } = situation;
  if (recipient === EVERYBODY) {
    return ok(
      situation.linked().filter((id) => {
        const peer = roster.get(id);
        return peer !== undefined && id !== us && mayExchange(peer.kind, type);
      }),
    );
  }
  const peer = roster.get(recipient);
  if (peer === undefined) return err("PEER_UNKNOWN", "the recipient is not on the roster");
  if (!mayExchange(peer.kind, type)) return err("PEER_TYPE_FORBIDDEN", `${peer.kind}s do not read ${type}`);
  if (situation.isLinked(recipient)) return ok([recipient]);
  const relays = roster
    .preferred(recipient)
    .filter((id) => id !== us && situation.isLinked(id))
    .slice(0, RELAYS);
  return relays.length > 0 ? ok(relays) : err("PEER_UNREACHABLE", "neither linked nor behind a linked relay");
}

/** What is to be done with a verified envelope. */
export interface Routed {
  /** It is for this operator. */
  readonly deliver: boolean;
  /** Linked peers to which it goes on as it is. */
  readonly forward: readonly Hex32[];
}

export interface Addressing {
  readonly sender: Hex32;
  readonly recipient: Hex32;
  readonly type: PeerMessageType;
}

/**
 * Where an envelope goes that came over the link with `via`. Validators alone relay. What came from its author goes to
 * the recipient or, if that is not linked, to the validators where it is at home; what came from a relay goes to the
 * recipient only. An envelope therefore passes two relays at most, and no circle exists.
 * Codes: ENVELOPE_STRANGER, EDGE_ECHO, EDGE_NOT_A_RELAY, EDGE_NOT_FOR_US, EDGE_RELAYED (a canary or a message to
 * everybody that did not come from its author), PEER_UNKNOWN, PEER_TYPE_FORBIDDEN, PEER_UNREACHABLE.
 */
export function routeReceived(situation: Situation, via: Hex32, message: Addressing): Result<Routed> {
  const { us, roster } = situation;
  const { sender, recipient, type } = message;
  const from = roster.get(sender);
  if (from === undefined) return err("ENVELOPE_STRANGER", "the sender is not on the roster");
  if (sender === us || sender === recipient)
    return err("EDGE_ECHO", "an envelope that comes back to its author");
  if (!mayExchange(from.kind, type)) return err("PEER_TYPE_FORBIDDEN", `${from.kind}s do not send ${type}`);
  const isDirect = via === sender;
  if (!isDirect && roster.get(via)?.kind !== "validator")
    return err("EDGE_NOT_A_RELAY", "encoders speak for themselves alone");
  if (!isDirect && (recipient === EVERYBODY || type === "canary"))
    return err("EDGE_RELAYED", "not a message that is relayed");
  if (recipient === us || recipient === EVERYBODY) return ok({ deliver: true, forward: [] });
  const to = roster.get(recipient);
  if (to === undefined) return err("PEER_UNKNOWN", "the recipient is not on the roster");
  if (type === "canary" || roster.get(us)?.kind !== "validator")
    return err("EDGE_NOT_FOR_US", "for another operator");
  if (!mayExchange(to.kind, type)) return err("PEER_TYPE_FORBIDDEN", `${to.kind}s do not read ${type}`);
  if (recipient !== via && situation.isLinked(recipient)) return ok({ deliver: false, forward: [recipient] });
  if (!isDirect) return err("PEER_UNREACHABLE", "a second relay must be linked with the recipient");
  const homes = to.kind === "encoder" ? roster.homes(recipient) : [];
  const forward = homes.filter((id) => id !== us && id !== via && situation.isLinked(id));
  return forward.length > 0
    ? ok({ deliver: false, forward })
    : err("PEER_UNREACHABLE", "the recipient is not linked, nor is any of its homes");
}
