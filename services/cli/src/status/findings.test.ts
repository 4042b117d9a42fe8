import { err, ok } from "@soma/base";
import { type CertifiedCheckpoint, initialParameters } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { findingsOf, roundsBehind } from "./findings.ts";
import { reportJson, reportLines } from "./report.ts";
import type { Consensus, Execution, GatewayReport, Head, Operators, Survey } from "./survey.ts";
import { verdictOf } from "./verdict.ts";

const parameters = initialParameters("devnet");
const NOW = Date.UTC(2026, 0, 1);
const id = (i: number) => String(i).padStart(2, "0").repeat(32);
const ENCODER = id(9);
const nameOf = (who: string) => `op${Number(who.slice(0, 2))}`;

const supply = {
  liquid: 5n,
  staked: 4n,
  pools: 0n,
  escrowed: 1n,
  recyclable: 0n,
  unminted: parameters.supplyCap - 10n,
};
const head: Head = {
  chainId: "test",
  epoch: 3n,
  commit: 70n,
  commitDigest: id(20),
  checkpoint: 12n,
  timestampMs: NOW - 100,
  baseFee: 1n,
  stateDigest: id(21),
  supply,
};
const consensus: Consensus = {
  epoch: "3",
  round: 200,
  lastCommit: "70",
  lastCommitAgeMs: 250,
  proposing: true,
  standstill: false,
  rounds: [0, 1, 2, 3].map((i) => ({ validator: id(i), round: 198 + i })),
};
const execution: Execution = {
  chainId: "test",
  epoch: 3n,
  commit: 70n,
  certified: 12n,
  waiting: 0,
  halt: null,
};
const certified: CertifiedCheckpoint = {
  checkpoint: {
    epoch: 3n,
    sequence: 12n,
    previous: id(22),
    commitIndex: 70n,
    commitDigest: id(20),
    timestampMs: BigInt(NOW),
    effectsRoot: id(23),
    leaves: 1,
    stateDigest: id(21),
    nextEpoch: null,
  },
  signers: Uint8Array.of(7),
  aggregateSignature: new Uint8Array(96),
};
const operators: Operators = {
  epoch: 3n,
  validators: [0, 1, 2, 3].map((i) => ({
    id: id(i),
    stake: 1n,
    active: true,
    edgeAddress: "",
    gatewayAddress: "",
    slashVotes: 0n,
  })),
  encoders: [{ id: ENCODER, stake: 1n, active: true, price: null }],
};
const peersOf = (i: number) =>
  [...operators.validators, ...operators.encoders]
    .filter((peer) => peer.id !== id(i))
    .map((peer) => ({
      operator: peer.id,
      direction: "admitted" as const,
      connected: true,
      received: 1,
      refused: 0,
      lastSeenMs: NOW,
    }));

function gateway(i: number, changes: Partial<GatewayReport> = {}): GatewayReport {
  return {
    url: `http://g${i}:80`,
    health: ok({ ok: true, network: "test", validator: id(i) }),
    head: ok(head),
    execution: ok(execution),
    consensus: ok(consensus),
    peers: ok(peersOf(i)),
    certified,
    proof: ok(true),
    ...changes,
  };
}

function survey(changes: Record<number, Partial<GatewayReport>> = {}, rest: Partial<Survey> = {}): Survey {
  const gateways = [0, 1, 2, 3].map((i) => gateway(i, changes[i]));
  return { at: NOW, sequence: 12n, gateways, operators, handoverFault: undefined, ...rest };
}

const away = err<never>("GATEWAY_UNREACHABLE", "http://g2:80 cannot be reached");
const AWAY: Partial<GatewayReport> = {
  health: away,
  head: away,
  execution: away,
  consensus: away,
  peers: away,
  certified: undefined,
  proof: undefined,
};
const HALTED: Partial<GatewayReport> = {
  execution: ok({
    ...execution,
    halt: {
      stage: "execution",
      code: "SUPPLY_BREACH",
      message: "the supply is 1, not 2",
      epoch: 3n,
      commit: 71n,
      commitDigest: id(40),
      stateDigest: id(41),
      ageMs: 5_000,
    },
  }),
};
const other = (changes: Partial<CertifiedCheckpoint["checkpoint"]>): CertifiedCheckpoint => ({
  ...certified,
  checkpoint: { ...certified.checkpoint, ...changes },
});
const codes = (one: Survey) => findingsOf(one, { parameters, nameOf }).map(({ code }) => code);

test("of a network that is well nothing is found, and a sentence says so", () => {
  const one = survey();
  expect(codes(one)).toEqual([]);
  expect(verdictOf(one, [])).toEqual({
    healthy: true,
    sentence: "Healthy: 4 gateways agree at checkpoint 12, the last commit is 0.3 s old.",
  });
});

describe("what is wrong is found by its code", () => {
  const lagging = {
    ...consensus,
    rounds: consensus.rounds.map((seen, i) => (i === 1 ? { ...seen, round: 9 } : seen)),
  };
  const everywhere = (changes: Partial<GatewayReport>) => ({
    0: changes,
    1: changes,
    2: changes,
    3: changes,
  });
  const cases: readonly [string, Survey, string[]][] = [
    ["a gateway that is away", survey({ 2: AWAY }), ["STATUS_UNREACHABLE"]],
    [
      "a service that is away",
      survey({ 1: { consensus: err("REQUEST_TIMEOUT", "none") } }),
      ["STATUS_SERVICE"],
    ],
    [
      "an executor that is away",
      survey({ 1: { execution: err("REQUEST_TIMEOUT", "none") } }),
      ["STATUS_SERVICE"],
    ],
    ["a ledger that is halted", survey({ 2: HALTED }), ["STATUS_HALTED"]],
    ["a network that is halted", survey(everywhere(HALTED)), ["STATUS_HALTED"]],
    [
      "another network",
      survey({ 3: { health: ok({ ok: true, network: "fake", validator: id(3) }) } }),
      ["STATUS_NETWORKS"],
    ],
    [
      "two checkpoints of one number",
      survey({ 3: { certified: other({ commitDigest: id(30) }) } }),
      ["STATUS_FORK"],
    ],
    [
      "a checkpoint that no quorum signed",
      survey({ 0: { certified: other({ leaves: 2 }), proof: err("CERTIFICATE_STAKE", "one of four") } }),
      ["STATUS_CERTIFICATE", "STATUS_FORK"],
    ],
    [
      "another state at one commit",
      survey({ 0: { head: ok({ ...head, stateDigest: id(31) }) } }),
      ["STATUS_STATE"],
    ],
    [
      "a supply that does not add up",
      survey(everywhere({ head: ok({ ...head, supply: { ...supply, liquid: 6n } }) })),
      ["STATUS_SUPPLY"],
    ],
    [
      "supplies that differ",
      survey({ 1: { head: ok({ ...head, supply: { ...supply, liquid: 6n } }) } }),
      ["STATUS_SUPPLY"],
    ],
    [
      "a standstill",
      survey({ 0: { consensus: ok({ ...consensus, standstill: true, lastCommitAgeMs: 31_000 }) } }),
      ["STATUS_STANDSTILL"],
    ],
    [
      "a ledger that lags",
      survey({ 0: { head: ok({ ...head, commit: 5n, timestampMs: NOW - 60_000 }) } }),
      ["STATUS_LEDGER_BEHIND"],
    ],
    [
      "a validator that all see far behind",
      survey(everywhere({ consensus: ok(lagging) })),
      ["STATUS_VALIDATOR_BEHIND"],
    ],
    ["a missing link", survey({ 0: { peers: ok(peersOf(0).slice(1)) } }), ["STATUS_UNLINKED"]],
    [
      "an encoder without any link",
      survey(Object.fromEntries([0, 1, 2, 3].map((i) => [i, { peers: ok(peersOf(i).slice(0, 3)) }]))),
      ["STATUS_ENCODER_UNLINKED"],
    ],
    [
      "no way from the genesis",
      survey({}, { handoverFault: { code: "X", message: "y" } }),
      ["STATUS_HANDOVER"],
    ],
  ];
  test.each(cases)("%s", (_, one, expected) => {
    expect(codes(one)).toEqual(expected);
    expect(verdictOf(one, findingsOf(one, { parameters, nameOf })).healthy).toBe(false);
  });
});

test("a validator that one gateway sees late, and another in time, is not behind", () => {
  const late = { ...consensus, rounds: consensus.rounds.map((seen) => ({ ...seen, round: 9 })) };
  expect(codes(survey({ 0: { consensus: ok(late) } }))).toEqual([]);
});

test("a halt says where and why, and whose turn it is", () => {
  const told = (one: Survey) => findingsOf(one, { parameters, nameOf })[0]!.text;
  const alone = told(survey({ 2: HALTED }));
  expect(alone).toContain("the execution of commit 71 (SUPPLY_BREACH: the supply is 1, not 2) at g2:80");
  expect(alone).toMatch(/restore the database, sign nothing .*halt-and-override\.md/);
  expect(told(survey({ 0: HALTED, 1: HALTED, 2: HALTED, 3: HALTED }))).toMatch(/`soma override status`/);
  const lines = reportLines(
    survey({ 2: HALTED }),
    [],
    { healthy: false, sentence: "" },
    { nameOf, width: 80 },
  );
  expect(lines.filter((line) => line.includes("halted"))).toHaveLength(1);
});

test("rounds of an epoch that is over do not count", () => {
  const old = { ...consensus, epoch: "2", rounds: [{ validator: id(0), round: 100_000 }] };
  const behind = roundsBehind([gateway(0, { consensus: ok(old) }), gateway(1)]);
  expect(Object.fromEntries(behind)).toEqual({ [id(0)]: 3, [id(1)]: 2, [id(2)]: 1, [id(3)]: 0 });
});

test("two proven certificates of one checkpoint are told as what they are, first of all", () => {
  const one = survey({ 1: AWAY, 3: { certified: other({ stateDigest: id(33) }) } });
  const findings = findingsOf(one, { parameters, nameOf });
  expect(findings.map(({ severity }) => severity)).toEqual(["loud", "fault"]);
  expect(findings[0]!.text).toContain("a third of the stake signed twice");
  expect(verdictOf(one, findings).sentence).toMatch(/^Not healthy: FORK: .* and 1 more\.$/);
});

test("an encoder that prefers other gateways is a note, and a note is no fault", () => {
  const one = survey();
  const half: Survey = {
    ...one,
    gateways: one.gateways.slice(0, 2).map((report, i) => ({ ...report, peers: ok(peersOf(i).slice(0, 3)) })),
  };
  const findings = findingsOf(half, { parameters, nameOf });
  expect(findings).toMatchObject([{ severity: "note", code: "STATUS_ENCODER_UNLINKED" }]);
  expect(verdictOf(half, findings).healthy).toBe(true);
});

test("when nobody answers, nothing is claimed", () => {
  const one = survey({ 0: AWAY, 1: AWAY, 2: AWAY, 3: AWAY }, { sequence: 0n, operators: undefined });
  const findings = findingsOf(one, { parameters, nameOf });
  expect(verdictOf(one, findings).sentence).toContain("no gateway answers");
  expect(reportJson(one, findings, verdictOf(one, findings))).toMatchObject({ network: null, supply: null });
});

test("the report fits in 80 columns, whatever was found", () => {
  const one = survey({
    0: { url: "https://a-gateway-with-a-long-name.somewhere.example:8443/" },
    1: AWAY,
    3: { certified: other({ stateDigest: id(33) }) },
  });
  const findings = findingsOf(one, { parameters, nameOf: (who) => who.slice(0, 8) });
  const lines = reportLines(one, findings, verdictOf(one, findings), {
    nameOf: (who) => who.slice(0, 8),
    width: 80,
  });
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.join("\n")).toContain("FORK");
});
