import { encode, u64 } from "@soma/codec";
import { nativeVerifier } from "@soma/crypto/native";
import {
  decodeSignedOverride,
  encodeSignedOverride,
  genesisEpoch,
  overrideDigest,
  type ResolutionInput,
  type Settlement,
  settlementInputDigest,
  verifyOverride,
} from "@soma/protocol";
import {
  applySettlement,
  buildCheckpoint,
  executeCommit,
  type Ledger,
  overrideSettlement,
  settlementInput,
} from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { CHAIN_ID, genesisOf, people, seedOf } from "../../integration/state/chain.ts";
import {
  executeUpTo,
  executionPoint,
  faulty,
  harmless,
  inputOf,
  keys,
  newLedger,
  overrideAt,
  poison,
  poisonedChain,
  settlementPoint,
  signedBy,
} from "./halted-ledger.ts";

// DESIGN section 4: shared/docs/protocol/override.md has the definitions.

/** The release counts a token twice when it meets the poison. */
const MINTING = faulty(({ authorise, burnFee }) => (store, chainId, carried) => {
  if (carried.digest === poison.digest) burnFee(store, 1n);
  return authorise(store, chainId, carried);
});
/** The release throws over it. */
const THROWING = faulty(({ authorise }) => (store, chainId, carried) => {
  if (carried.digest === poison.digest) throw new RangeError("no such record");
  return authorise(store, chainId, carried);
});
const NOTHING: ResolutionInput = { Execute: { omit: [], entries: [] } };
const OMITTING: ResolutionInput = { Execute: { omit: [poison.digest], entries: [] } };

function halted(rules: Parameters<typeof newLedger>[0]) {
  const chain = poisonedChain();
  const ledger = newLedger(rules);
  executeUpTo(ledger, chain, 1n);
  return { chain, ledger, point: executionPoint(ledger, chain) };
}

/** A settlement that pays nobody. */
function holding(ledger: Ledger): Settlement {
  const input = settlementInput(ledger)!;
  const minted = (input.unminted * input.emissionFraction) >> 128n;
  const digest = settlementInputDigest(CHAIN_ID, input);
  return { epoch: input.epoch, input: digest, minted, payments: [], pools: [] };
}

describe("a ledger that cannot go on", () => {
  test.each([
    ["makes money", MINTING, "SUPPLY_BREACH"],
    ["throws", THROWING, "LEDGER_FAULT"],
  ])("stays as it was when its release %s", (_, rules, code) => {
    const { chain, ledger } = halted(rules);
    const before = { digest: ledger.stateDigest(), head: ledger.head, supply: ledger.supply };
    for (let tries = 0; tries < 2; tries++) {
      expect(executeCommit(ledger, inputOf(chain, 2n))).toMatchObject({ ok: false, code });
      expect({ digest: ledger.stateDigest(), head: ledger.head, supply: ledger.supply }).toEqual(before);
    }
    expect(ledger.account(harmless.digest)).toBeUndefined();
  });

  test("goes on without the transactions that an override leaves out, and never takes them again", () => {
    const { chain, ledger, point } = halted(MINTING);
    const override = overrideAt(point, OMITTING);
    const done = executeCommit(ledger, { ...inputOf(chain, 2n), override });
    expect(done).toMatchObject({
      ok: true,
      value: {
        dropped: [{ digest: poison.digest, code: "TX_OVERRIDDEN" }],
        transactions: [{ digest: harmless.digest, refusal: "" }],
      },
    });
    const leaves = done.ok ? done.value.leaves : [];
    expect(leaves).toContainEqual({
      Override: { commit: 2n, override: overrideDigest(CHAIN_ID, override) },
    });
    expect(executeCommit(ledger, inputOf(chain, 3n))).toMatchObject({
      ok: true,
      value: { dropped: [{ digest: poison.digest, code: "TX_OVERRIDDEN" }] },
    });
    expect(ledger.account(people[0]!.address)?.sequence).toBe(0n);
    expect(buildCheckpoint(ledger)).toMatchObject({ ok: true });
  });

  test("comes to the same state whichever fault halted it", () => {
    const digests = [MINTING, THROWING].map((rules) => {
      const { chain, ledger, point } = halted(rules);
      executeCommit(ledger, inputOf(chain, 2n));
      const override = overrideAt(point, OMITTING);
      const done = executeCommit(ledger, { ...inputOf(chain, 2n), override });
      return done.ok ? done.value.stateDigest : done.code;
    });
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
  });

  test("sets the entries of an override first, as long as the supply holds", () => {
    const account = (balance: bigint) => new Uint8Array([...encode(u64, balance), ...encode(u64, 0n)]);
    const key = (who: number) => `account/${people[who]!.address}`;
    const held = 10_000_000_000n;
    const moved = [
      { key: key(0), value: account(0n) },
      { key: key(1), value: account(2n * held) },
    ].sort((a, b) => (a.key < b.key ? -1 : 1));
    const { chain, ledger, point } = halted(MINTING);
    const attempt = (resolution: ResolutionInput) =>
      executeCommit(ledger, { ...inputOf(chain, 2n), override: overrideAt(point, resolution) });
    const omit = [poison.digest];
    const refused = [
      [{ Execute: { omit, entries: moved.slice(0, 1) } }, "SUPPLY_BREACH"],
      [{ Execute: { omit, entries: [...moved].reverse() } }, "OVERRIDE_ENTRY"],
      [{ Execute: { omit, entries: [{ key: "local/checkpoint/now", value: null }] } }, "OVERRIDE_ENTRY"],
      [{ Execute: { omit, entries: [{ key: "balance/x", value: null }] } }, "OVERRIDE_ENTRY"],
      [{ Execute: { omit, entries: [{ key: key(0), value: new Uint8Array(3) }] } }, "OVERRIDE_ENTRY"],
      [NOTHING, "SUPPLY_BREACH"],
    ] as const;
    for (const [resolution, code] of refused) expect(attempt(resolution)).toMatchObject({ code });
    expect(ledger.stateDigest()).toBe(point.stateDigest);
    expect(attempt({ Execute: { omit, entries: moved } })).toMatchObject({ ok: true });
    expect(ledger.balanceOf(people[0]!.address)).toBe(0n);
  });

  test("takes an override for its own point alone", () => {
    const { chain, ledger, point } = halted(MINTING);
    const elsewhere = [
      { ...point, epoch: 1n },
      { ...point, commit: 3n },
      { ...point, commitDigest: seedOf("another commit") },
      { ...point, stateDigest: seedOf("another state") },
    ];
    for (const other of elsewhere) {
      const override = overrideAt(other, OMITTING);
      expect(executeCommit(ledger, { ...inputOf(chain, 2n), override })).toMatchObject({
        code: "OVERRIDE_POINT",
      });
    }
    const settlement = { ...holding(closing()), epoch: 0n };
    const wrongStage = overrideAt(point, { Settle: { settlement, entries: [] } });
    expect(executeCommit(ledger, { ...inputOf(chain, 2n), override: wrongStage })).toMatchObject({
      code: "OVERRIDE_POINT",
    });
    expect(ledger.stateDigest()).toBe(point.stateDigest);
  });
});

function closing(): Ledger {
  const chain = poisonedChain();
  const ledger = newLedger();
  executeUpTo(ledger, chain, 4n);
  return ledger;
}

describe("an epoch that cannot be settled", () => {
  test("is settled as an override has it, within the same checks, and leaves a leaf", () => {
    const ledger = closing();
    const point = settlementPoint(ledger);
    const settlement = holding(ledger);
    const greedy = { ...settlement, payments: [{ account: people[0]!.address, amount: 1n << 60n }] };
    expect(applySettlement(ledger, greedy)).toMatchObject({ code: "SETTLEMENT_SUM" });
    const attempt = (settled: Settlement) =>
      overrideSettlement(ledger, overrideAt(point, { Settle: { settlement: settled, entries: [] } }));
    expect(attempt(greedy)).toMatchObject({ code: "SETTLEMENT_SUM" });
    expect(ledger.stateDigest()).toBe(point.stateDigest);
    const override = overrideAt(point, { Settle: { settlement, entries: [] } });
    const settled = overrideSettlement(ledger, override);
    expect(settled).toMatchObject({ ok: true, value: { next: { epoch: 1n, lastCommit: 4n } } });
    expect(ledger.head).toMatchObject({ epoch: 1n, closing: false });
    // A checkpoint over one leaf more than the commits' own says so to whoever follows.
    const built = buildCheckpoint(ledger);
    expect(built).toMatchObject({ ok: true, value: { checkpoint: { leaves: 7, epoch: 0n } } });
    expect(overrideSettlement(ledger, override)).toMatchObject({ code: "SETTLEMENT_UNDUE" });
  });
});

describe("the signatures of an override", () => {
  const epoch = genesisEpoch(genesisOf(keys, { epochLength: 5_000n }));
  if (!epoch.ok) throw new Error(epoch.code);
  const { point } = halted(MINTING);
  const override = overrideAt(point, OMITTING);
  const verdict = (signed: ReturnType<typeof signedBy>) =>
    verifyOverride(CHAIN_ID, signed, epoch.value, nativeVerifier);

  test("are of quorum stake of the committee, over this override", () => {
    expect(verdict(signedBy(override, [0, 1, 2]))).toEqual({ ok: true, value: true });
    expect(verdict(signedBy(override, [0, 1, 2, 3]))).toEqual({ ok: true, value: true });
    expect(verdict(signedBy(override, [0, 1]))).toMatchObject({ code: "OVERRIDE_STAKE" });
    expect(verdict(signedBy(override, []))).toMatchObject({ code: "OVERRIDE_STAKE" });
  });

  test("cannot be repeated, borrowed, or carried over to another decision, epoch or chain", () => {
    const whole = signedBy(override, [0, 1, 2]);
    const [first, second, third] = whole.signatures as [
      (typeof whole.signatures)[number],
      (typeof whole.signatures)[number],
      (typeof whole.signatures)[number],
    ];
    expect(verdict({ override, signatures: [first, first, second] })).toMatchObject({
      code: "OVERRIDE_ORDER",
    });
    expect(verdict({ override, signatures: [second, first, third] })).toMatchObject({
      code: "OVERRIDE_ORDER",
    });
    const borrowed = [first, second, { ...third, signature: second.signature }];
    expect(verdict({ override, signatures: borrowed })).toMatchObject({ code: "OVERRIDE_SIGNATURE" });
    const stranger = { ...third, validator: "ff".repeat(32) };
    expect(verdict({ override, signatures: [first, second, stranger] })).toMatchObject({
      code: "OVERRIDE_STRANGER",
    });
    const other = overrideAt(point, { Execute: { omit: [harmless.digest], entries: [] } });
    expect(verdict({ ...whole, override: other })).toMatchObject({ code: "OVERRIDE_SIGNATURE" });
    const later = { ...override, commit: 3n };
    expect(verdict({ ...whole, override: later })).toMatchObject({ code: "OVERRIDE_SIGNATURE" });
    expect(verifyOverride("other-chain", whole, epoch.value, nativeVerifier)).toMatchObject({
      code: "OVERRIDE_SIGNATURE",
    });
    expect(verifyOverride(CHAIN_ID, whole, { ...epoch.value, epoch: 1n }, nativeVerifier)).toMatchObject({
      code: "OVERRIDE_EPOCH",
    });
  });

  test("travel as bytes that decode to themselves and nothing else", () => {
    const bytes = encodeSignedOverride(signedBy(override, [0, 2]));
    expect(decodeSignedOverride(bytes)).toEqual({ ok: true, value: signedBy(override, [0, 2]) });
    expect(decodeSignedOverride(bytes.subarray(1)).ok).toBe(false);
    expect(decodeSignedOverride(new Uint8Array([...bytes, 0])).ok).toBe(false);
  });
});
