import { EVERYBODY, type Hex32, type PeerMessageType } from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testEpoch, testOperator } from "../roster.fixture.ts";
import { HOMES, Roster } from "./roster.ts";
import { routeOwn, routeReceived, type Situation } from "./routing.ts";

const validators = Array.from({ length: 7 }, (_, i) => testOperator(`v${i}`));
const encoders = Array.from({ length: 5 }, (_, i) => testOperator(`e${i}`));
const roster = new Roster("test", testEpoch(validators, encoders));
const everyone = [...validators, ...encoders].map(({ id }) => id);
const [v0, v1, v2] = validators.map(({ id }) => id) as [Hex32, Hex32, Hex32];
const [e0, e1] = encoders.map(({ id }) => id) as [Hex32, Hex32];
const stranger = "ff".repeat(32);

/** Links as pairs that an adversary chose; encoders have none among themselves. */
function situation(us: Hex32, links: ReadonlySet<string>): Situation {
  const isLinked = (other: Hex32) => links.has([us, other].sort().join());
  return { us, roster, isLinked, linked: () => everyone.filter((id) => id !== us && isLinked(id)) };
}
const linked = (...pairs: [Hex32, Hex32][]) => new Set(pairs.map((pair) => [...pair].sort().join()));

describe("an own envelope", () => {
  const links = linked([v0, v1], [v0, e0], [e1, v0], [e1, v1]);
  const relays = [v0, v1];
  test.each<[string, Hex32, PeerMessageType, Hex32, readonly Hex32[] | string]>([
    ["goes to a linked recipient", v0, "block", v1, [v1]],
    ["to everybody goes to those who may read it", v0, "block", EVERYBODY, [v1]],
    ["to everybody that encoders read goes to them too", v0, "ledger-update", EVERYBODY, [v1, e0, e1]],
    ["goes to the linked relays otherwise", e1, "job-message", e0, relays],
    ["of validators goes to no encoder", v0, "block", e0, "PEER_TYPE_FORBIDDEN"],
    ["has nowhere to go without links", v2, "job-message", e0, "PEER_UNREACHABLE"],
    ["to a stranger goes nowhere", v0, "block", stranger, "PEER_UNKNOWN"],
  ])("%s", (_, us, type, recipient, expected) => {
    const routed = routeOwn(situation(us, links), type, recipient);
    if (typeof expected === "string") expect(routed).toMatchObject({ ok: false, code: expected });
    else expect(routed.ok && [...routed.value].sort()).toEqual([...expected].sort());
  });
});

describe("a received envelope", () => {
  const links = linked([v0, v1], [v0, e0], [v0, e1], [v0, v2]);
  const job: PeerMessageType = "job-message";
  test.each<[string, Hex32, Hex32, Hex32, Hex32, PeerMessageType, unknown]>([
    ["for us is delivered", v0, v1, v1, v0, "block", { deliver: true, forward: [] }],
    [
      "to everybody is delivered and goes no further",
      v0,
      v1,
      v1,
      EVERYBODY,
      "block",
      { deliver: true, forward: [] },
    ],
    ["for a linked peer goes on", v0, e0, e0, e1, job, { deliver: false, forward: [e1] }],
    ["for us may come by a relay", v0, v1, e0, v0, job, { deliver: true, forward: [] }],
    ["may not come by an encoder", v0, e1, e0, v0, job, "EDGE_NOT_A_RELAY"],
    ["to everybody is not relayed", v0, v1, v2, EVERYBODY, "block", "EDGE_RELAYED"],
    ["a canary is not relayed", v0, v1, v2, v0, "canary", "EDGE_RELAYED"],
    ["a canary for another is nobody's", v0, v1, v1, v2, "canary", "EDGE_NOT_FOR_US"],
    ["our own does not come back", v0, v1, v0, EVERYBODY, "block", "EDGE_ECHO"],
    ["of a stranger is refused", v0, v1, stranger, v0, job, "ENVELOPE_STRANGER"],
    ["to a stranger is refused", v0, v1, v1, stranger, job, "PEER_UNKNOWN"],
    ["an encoder sends no block", v0, e0, e0, v0, "block", "PEER_TYPE_FORBIDDEN"],
    ["an encoder is sent no block", v0, v1, v1, e0, "block", "PEER_TYPE_FORBIDDEN"],
    ["encoders relay nothing", e0, v0, v0, e1, job, "EDGE_NOT_FOR_US"],
    ["does not go back", v0, v1, e0, v1, job, "PEER_UNREACHABLE"],
    ["to its own author is refused", v0, e1, e1, e1, job, "EDGE_ECHO"],
  ])("%s", (_, us, via, sender, recipient, type, expected) => {
    const routed = routeReceived(situation(us, links), via, { sender, recipient, type });
    if (typeof expected === "string") expect(routed).toMatchObject({ ok: false, code: expected });
    else expect(routed).toEqual({ ok: true, value: expected });
  });
});

describe("relaying", () => {
  const pair = fc.tuple(fc.constantFrom(...everyone), fc.constantFrom(...everyone));
  const topology = fc
    .array(pair, { maxLength: 60 })
    .map((pairs) => linked(...pairs.filter(([a, b]) => a !== b && !isEncoderPair(a, b))));
  function isEncoderPair(a: Hex32, b: Hex32): boolean {
    return roster.get(a)?.kind === "encoder" && roster.get(b)?.kind === "encoder";
  }

  test("ends after two relays with few copies, on any links, even if nobody drops repeats", () => {
    const party = fc.constantFrom(...everyone);
    fc.assert(
      fc.property(topology, party, party, (links, sender, recipient) => {
        fc.pre(sender !== recipient);
        const own = routeOwn(situation(sender, links), "job-message", recipient);
        if (!own.ok) return;
        let copies = 0;
        let delivered = 0;
        const walk = (at: Hex32, via: Hex32, hops: number): void => {
          copies++;
          expect(hops).toBeLessThanOrEqual(3);
          const routed = routeReceived(situation(at, links), via, { sender, recipient, type: "job-message" });
          if (!routed.ok) return;
          if (routed.value.deliver) delivered++;
          if (routed.value.deliver) expect(at).toBe(recipient);
          for (const next of routed.value.forward) walk(next, at, hops + 1);
        };
        for (const first of own.value) walk(first, sender, 1);
        expect(copies).toBeLessThanOrEqual(2 * (1 + 2 * HOMES));
        if (situation(sender, links).isLinked(recipient)) expect([copies, delivered]).toEqual([1, 1]);
      }),
      { numRuns: 500 },
    );
  });

  test("reaches every encoder that is at home, when all validators are linked", () => {
    const pairs: [Hex32, Hex32][] = [];
    for (const a of validators) for (const b of validators) if (a.id < b.id) pairs.push([a.id, b.id]);
    for (const e of encoders) for (const home of roster.homes(e.id)) pairs.push([e.id, home]);
    const links = linked(...pairs);
    for (const sender of everyone)
      for (const recipient of everyone) {
        if (sender === recipient) continue;
        const reached = (at: Hex32, via: Hex32): boolean => {
          const routed = routeReceived(situation(at, links), via, { sender, recipient, type: "job-message" });
          return (
            routed.ok && (routed.value.deliver || routed.value.forward.some((next) => reached(next, at)))
          );
        };
        const own = routeOwn(situation(sender, links), "job-message", recipient);
        expect(own.ok && own.value.every((first) => reached(first, sender))).toBe(true);
      }
  });
});
