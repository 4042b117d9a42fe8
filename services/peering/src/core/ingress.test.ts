import { sha256 } from "@soma/crypto";
import { EVERYBODY, type Hex32, type PeerMessageType } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { type TestOperator, testEpoch, testOperator } from "../roster.fixture.ts";
import { sealFrame } from "./frame.ts";
import { Ingress, type Screened } from "./ingress.ts";
import { Roster } from "./roster.ts";
import type { Situation } from "./routing.ts";

const [v0, v1, v2, e0] = ["v0", "v1", "v2", "e0"].map(testOperator) as [
  TestOperator,
  TestOperator,
  TestOperator,
  TestOperator,
];
const roster = new Roster("test", testEpoch([v0, v1, v2], [e0]));
const situation: Situation = {
  us: v0.id,
  roster,
  isLinked: (id) => id !== v0.id,
  linked: () => [v1.id, v2.id, e0.id],
};
const many = { perSecond: 1000, burst: 1000 };
const limits = { messages: many, bytes: { perSecond: 1e6, burst: 1e6 } };
const tight = { messages: { perSecond: 1, burst: 3 }, bytes: { perSecond: 1, burst: 400 } };

function open(encoder = limits) {
  return new Ingress({
    chainId: "test",
    limits: { validator: limits, encoder },
    conduct: { strikes: 3, windowMs: 1000, banMs: 5000 },
    replayWindow: 4,
    replayFloor: 10,
    sha256,
  });
}
function seal(
  from: TestOperator,
  options: {
    to?: Hex32;
    type?: PeerMessageType;
    sequence?: number;
    body?: Uint8Array;
    by?: TestOperator;
  } = {},
): Uint8Array {
  const { to = EVERYBODY, type = "block", sequence = 11, body = new Uint8Array(3), by = from } = options;
  const draft = { chainId: "test", sender: from.id, recipient: to, type, sequence, body };
  const sealed = sealFrame(draft, sha256, (message) => by.key.sign(message));
  if (!sealed.ok) throw new Error(sealed.code);
  return sealed.value;
}
function screened(ingress: Ingress, via: TestOperator, bytes: Uint8Array, now = 0): Screened {
  const result = ingress.screen(situation, via.id, bytes, now);
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

describe("ingress", () => {
  test("gives the key under which the signature must verify, and delivers once", () => {
    const ingress = open();
    const bytes = seal(v1);
    const passed = screened(ingress, v1, bytes);
    const again = screened(ingress, v1, bytes);
    expect(passed.key).toEqual(v1.key.publicKey);
    expect(ingress.conclude(situation, passed, true, 0)).toMatchObject({
      ok: true,
      value: { deliver: true },
    });
    expect(ingress.conclude(situation, again, true, 0)).toMatchObject({ ok: false, code: "ENVELOPE_REPLAY" });
    expect(ingress.screen(situation, v1.id, bytes, 0)).toMatchObject({ ok: false, code: "ENVELOPE_REPLAY" });
  });

  test("does not remember a number before its signature is verified", () => {
    const ingress = open();
    const forged = screened(ingress, v1, seal(v1, { by: v2 }));
    expect(ingress.conclude(situation, forged, false, 0)).toMatchObject({ code: "ENVELOPE_SIGNATURE" });
    expect(ingress.conclude(situation, screened(ingress, v1, seal(v1)), true, 0).ok).toBe(true);
  });

  test.each([
    ["numbers from before its start", seal(v1, { sequence: 10 }), "ENVELOPE_REPLAY"],
    ["another body", seal(v1, { body: new Uint8Array(3) }).with(-66, 9), "ENVELOPE_BODY"],
    ["noise", new Uint8Array(40).fill(7), "ENVELOPE_MALFORMED"],
    ["strangers", seal(testOperator("nobody")), "ENVELOPE_STRANGER"],
  ])("refuses %s", (_, bytes, code) => {
    expect(open().screen(situation, v1.id, bytes, 0)).toMatchObject({ ok: false, code });
  });

  test("bans a peer whose own signatures are bad, for a time, and no other", () => {
    const ingress = open();
    for (let i = 0; i < 3; i++) {
      const forged = screened(ingress, v1, seal(v1, { to: v0.id, sequence: 20 + i, by: v2 }), i);
      expect(ingress.conclude(situation, forged, false, i).ok).toBe(false);
    }
    expect(ingress.screen(situation, v1.id, seal(v1), 3)).toMatchObject({ code: "PEER_BANNED" });
    expect(ingress.isBanned(v1.id, 5001)).toBe(true);
    expect(screened(ingress, v2, seal(v2), 3).frame.sender).toBe(v2.id);
    expect(ingress.isBanned(v1.id, 5002)).toBe(false);
    expect(screened(ingress, v1, seal(v1), 5002).frame.sender).toBe(v1.id);
  });

  test("bans no relay for a signature that another epoch's key made", () => {
    const ingress = open();
    const job = { to: v0.id, type: "job-message" as const };
    for (let i = 0; i < 9; i++) {
      const other = screened(ingress, v1, seal(e0, { ...job, sequence: 20 + i, by: v2 }), i);
      expect(ingress.conclude(situation, other, false, i)).toMatchObject({ code: "ENVELOPE_SIGNATURE" });
    }
    expect(ingress.isBanned(v1.id, 9)).toBe(false);
    expect(screened(ingress, v1, seal(v1), 9).frame.sender).toBe(v1.id);
  });

  test("bans a relay that changes bodies", () => {
    const ingress = open();
    for (let i = 0; i < 3; i++) {
      const changed = seal(e0, { to: v0.id, type: "job-message", sequence: 20 + i }).with(-66, 9);
      expect(ingress.screen(situation, v1.id, changed, i)).toMatchObject({ code: "ENVELOPE_BODY" });
    }
    expect(ingress.isBanned(v1.id, 3)).toBe(true);
  });

  test("charges a peer for what it sends, good or bad, and leaves the others their share", () => {
    const ingress = open(tight);
    const codes = Array.from({ length: 5 }, () => ingress.screen(situation, e0.id, new Uint8Array(9), 0)).map(
      (result) => (result.ok ? "OK" : result.code),
    );
    expect(codes).toEqual([...Array(3).fill("ENVELOPE_MALFORMED"), "PEER_RATE", "PEER_RATE"]);
    const job = seal(v1, { type: "job-message" });
    expect(screened(ingress, v1, job).frame.type).toBe("job-message");
    expect(ingress.screen(situation, e0.id, new Uint8Array(9), 1000)).toMatchObject({
      code: "ENVELOPE_MALFORMED",
    });
  });

  test("forgets who left the roster", () => {
    const ingress = open(tight);
    for (let i = 0; i < 4; i++) ingress.screen(situation, e0.id, new Uint8Array(9), 0);
    ingress.prune((id) => id !== e0.id);
    expect(ingress.screen(situation, e0.id, new Uint8Array(9), 0)).toMatchObject({
      code: "ENVELOPE_MALFORMED",
    });
  });
});
