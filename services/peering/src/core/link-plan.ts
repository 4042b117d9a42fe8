import { err, ok, type Result } from "@soma/base";
import type { Hex32 } from "@soma/protocol";
import type { Roster } from "./roster.ts";

/** An operator to dial and where its gateway is. */
export interface DialTarget {
  readonly operator: Hex32;
  /** Base URL without a slash at the end. */
  readonly gateway: string;
}

/** How an operator chose its peers: `<operator id>@<url>`, or the URL that the roster gives for a validator. */
export type PeerChoice = { readonly operator: Hex32 | undefined; readonly gateway: string };

/** Code: PEERS_INVALID. */
export function parsePeers(items: readonly string[]): Result<readonly PeerChoice[]> {
  const choices: PeerChoice[] = [];
  for (const item of items) {
    const match = /^(?:([0-9a-f]{64})@)?(https?:\/\/[^\s@]+?)\/*$/.exec(item);
    if (match === null) return err("PEERS_INVALID", `${item} is neither a URL nor <operator id>@<URL>`);
    choices.push({ operator: match[1], gateway: match[2]! });
  }
  return ok(choices);
}

/**
 * Whom to dial: a validator dials the rest of the committee; an encoder the validators it chose or else its homes
 * (so that relays find it). A choice may also give a validator of the committee another URL than the roster's.
 */
export function planLinks(roster: Roster, us: Hex32, choices: readonly PeerChoice[]): readonly DialTarget[] {
  const isValidator = roster.get(us)?.kind === "validator";
  const gatewayOf = (id: Hex32) => roster.get(id)?.gateway?.replace(/\/+$/, "");
  const chosen = choices.flatMap(({ operator, gateway }): DialTarget[] => {
    const id = operator ?? roster.committee.find((validator) => gatewayOf(validator) === gateway);
    return id !== undefined && id !== us && roster.committee.includes(id) ? [{ operator: id, gateway }] : [];
  });
  const others = isValidator ? roster.committee : chosen.length > 0 ? [] : roster.homes(us);
  const rest = others
    .filter((id) => id !== us && !chosen.some(({ operator }) => operator === id))
    .flatMap((id): DialTarget[] => {
      const gateway = gatewayOf(id);
      return gateway === undefined ? [] : [{ operator: id, gateway }];
    });
  return [...chosen, ...rest];
}
