import { nativeVerifier } from "@soma/crypto/native";
import { describe, expect, test } from "vitest";
import { type TestOperator, testEpoch, testOperator } from "../roster.fixture.ts";
import { AdmissionDesk, type AdmissionInput } from "./admission.ts";
import { admissionSigningBytes } from "./admission-bytes.ts";
import { Roster } from "./roster.ts";

const [us, peer, other] = ["v0", "e0", "v1"].map(testOperator) as [TestOperator, TestOperator, TestOperator];
const roster = new Roster("test", testEpoch([us, other], [peer]));
const now = 1_000_000;

function open(checks = { perSecond: 100, burst: 100 }) {
  return new AdmissionDesk({
    chainId: "test",
    us: us.id,
    clockToleranceMs: 1000,
    lifetimeMs: 3_600_000,
    perPeer: { perSecond: 0.001, burst: 2 },
    checks,
    verify: nativeVerifier.ed25519,
  });
}
function ask(
  options: { at?: number; by?: TestOperator; target?: TestOperator; as?: TestOperator } = {},
): AdmissionInput {
  const { at = now, by = peer, target = us, as = peer } = options;
  const request = { operator: target.id, peer: as.id, userKey: "UKEY", issuedAtMs: at };
  return {
    peer: as.id,
    userKey: "UKEY",
    issuedAtMs: at,
    signature: by.key.sign(admissionSigningBytes("test", request)),
  };
}

describe("admission", () => {
  test("is granted to a key of the roster, for a while", () => {
    expect(open().decide(roster, ask(), false, now)).toMatchObject({
      ok: true,
      value: { peer: { id: peer.id, kind: "encoder" }, userKey: "UKEY", expiresAtMs: now + 3_600_000 },
    });
  });

  test.each([
    ["another's name", ask({ as: other }), "ADMISSION_SIGNATURE"],
    ["what was signed for another operator", ask({ target: other }), "ADMISSION_SIGNATURE"],
    ["another user key", { ...ask(), userKey: "UOTHER" }, "ADMISSION_SIGNATURE"],
    ["a stranger", ask({ as: testOperator("nobody"), by: testOperator("nobody") }), "ADMISSION_STRANGER"],
    ["ourselves", ask({ as: us, by: us }), "ADMISSION_STRANGER"],
    ["an old request", ask({ at: now - 1001 }), "ADMISSION_CLOCK"],
    ["a request from the future", ask({ at: now + 1001 }), "ADMISSION_CLOCK"],
  ])("is refused to %s", (_, input, code) => {
    expect(open().decide(roster, input, false, now)).toMatchObject({ ok: false, code });
  });

  test("is refused to the banned, to repeats, and beyond the peer's share", () => {
    const desk = open();
    expect(desk.decide(roster, ask(), true, now)).toMatchObject({ code: "ADMISSION_BANNED" });
    expect(desk.decide(roster, ask(), false, now).ok).toBe(true);
    expect(desk.decide(roster, ask(), false, now)).toMatchObject({ code: "ADMISSION_REPLAY" });
    expect(desk.decide(roster, ask({ at: now + 1 }), false, now).ok).toBe(true);
    expect(desk.decide(roster, ask({ at: now + 2 }), false, now)).toMatchObject({ code: "ADMISSION_RATE" });
  });

  test("of a peer is not used up by those who cannot sign for it", () => {
    const desk = open();
    for (let i = 0; i < 50; i++)
      expect(desk.decide(roster, ask({ by: other }), false, now)).toMatchObject({
        code: "ADMISSION_SIGNATURE",
      });
    expect(desk.decide(roster, ask(), false, now).ok).toBe(true);
  });

  test("checks no more signatures than its share", () => {
    const desk = open({ perSecond: 1, burst: 2 });
    const codes = Array.from({ length: 3 }, () => desk.decide(roster, ask({ by: other }), false, now));
    expect(codes.map((result) => (result.ok ? "OK" : result.code))).toEqual([
      "ADMISSION_SIGNATURE",
      "ADMISSION_SIGNATURE",
      "ADMISSION_RATE",
    ]);
  });
});
