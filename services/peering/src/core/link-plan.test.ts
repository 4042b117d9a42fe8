import { describe, expect, test } from "vitest";
import { testEpoch, testOperator } from "../roster.fixture.ts";
import { linkPulse } from "./canary.ts";
import { type PeerChoice, parsePeers, planLinks } from "./link-plan.ts";
import { HOMES, Roster } from "./roster.ts";
import { Sequencer, sequenceAt } from "./sequencer.ts";

const validators = Array.from({ length: 9 }, (_, i) => testOperator(`v${i}`));
const encoders = Array.from({ length: 20 }, (_, i) => testOperator(`e${i}`));
const roster = new Roster("test", testEpoch(validators, encoders));
const v0 = validators[0]!.id;
const e0 = encoders[0]!.id;

describe("links", () => {
  test("of a validator go to the rest of the committee", () => {
    const planned = planLinks(roster, v0, []);
    expect(planned.map(({ operator }) => operator)).toEqual(roster.committee.filter((id) => id !== v0));
    expect(planned.every(({ gateway }) => /^http:\/\/v\d\.example$/.test(gateway))).toBe(true);
  });

  test("of an encoder go to its homes, unless its operator chose", () => {
    expect(planLinks(roster, e0, []).map(({ operator }) => operator)).toEqual(roster.homes(e0));
    const chosen: PeerChoice[] = [
      { operator: undefined, gateway: "http://v3.example" },
      { operator: v0, gateway: "http://10.0.0.1:80" },
      { operator: undefined, gateway: "http://unknown" },
    ];
    expect(planLinks(roster, e0, chosen)).toEqual([
      { operator: validators[3]!.id, gateway: "http://v3.example" },
      { operator: v0, gateway: "http://10.0.0.1:80" },
    ]);
  });

  test("are chosen by URL or by id and URL", () => {
    const parsed = parsePeers(["https://a.example/", `${v0}@http://b:1//`]);
    expect(parsed).toEqual({
      ok: true,
      value: [
        { operator: undefined, gateway: "https://a.example" },
        { operator: v0, gateway: "http://b:1" },
      ],
    });
    for (const bad of ["a.example", "ftp://x", "xyz@http://b", ""])
      expect(parsePeers([bad])).toMatchObject({ ok: false, code: "PEERS_INVALID" });
  });
});

describe("homes", () => {
  test("are spread over the committee, and few move when a validator leaves", () => {
    const smaller = new Roster("test", testEpoch(validators.slice(1), encoders));
    const uses = new Map<string, number>();
    for (const { id } of encoders) {
      const homes = roster.homes(id);
      expect(new Set(homes).size).toBe(HOMES);
      for (const home of homes) uses.set(home, (uses.get(home) ?? 0) + 1);
      const kept = homes.filter((home) => home !== v0);
      expect(smaller.homes(id).slice(0, kept.length)).toEqual(kept);
    }
    expect(uses.size).toBe(validators.length);
  });

  test("a roster keeps who was in the epoch before, under its newest key", () => {
    const moved = { ...testOperator("other"), id: v0, name: "v0" };
    const next = new Roster(
      "test",
      testEpoch([moved], [], 1n),
      testEpoch(validators.slice(0, 2), encoders.slice(0, 1)),
    );
    expect(next.get(v0)?.key).toEqual(moved.key.publicKey);
    expect(next.get(validators[1]!.id)?.kind).toBe("validator");
    expect(next.get(e0)?.kind).toBe("encoder");
    expect(next.get(encoders[5]!.id)).toBeUndefined();
    expect(next.committee).toEqual([v0]);
  });
});

test("numbers rise, also when the clock stands or goes back or the process starts again", () => {
  const sequencer = new Sequencer({ kept: 0, keep: () => undefined });
  const numbers = [5, 5, 5, 4, 6].map((now) => sequencer.next(now));
  expect(numbers).toEqual([5000, 5001, 5002, 5003, 6000]);
  expect(new Sequencer({ kept: 0, keep: () => undefined }).next(7)).toBeGreaterThan(numbers.at(-1)!);
  expect(sequenceAt(7)).toBe(7000);
});

test.each([
  [1000, "alive"],
  [1001, "silent"],
  [3000, "silent"],
  [3001, "lost"],
])("a link that was heard %i ms ago is %s", (quiet, pulse) => {
  expect(linkPulse(500, { silentAfterMs: 1000, lostAfterMs: 3000 }, 500 + quiet)).toBe(pulse);
});
