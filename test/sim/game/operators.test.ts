import { blockSigningBytes, encodeSignedHeader, type Settlement, TOKEN } from "@soma/protocol";
import { settleEpoch } from "@soma/rewards/core";
import { applySettlement, executeCommit, supplyTotal } from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { encoderRole, registration, transfer } from "./kinds.ts";
import { type Actor, CHAIN_ID, TestChain, TOKENIZER } from "./test-chain.ts";

const CAP = 1_000_000n * TOKEN;

describe("ECON-6: stake", () => {
  test("joins at the next epoch, leaves at the next, unbonds for three, and comes back", () => {
    const chain = new TestChain();
    const ann = chain.people[0]!;
    const operator = chain.encoders[0]!.address;
    const stake = () => chain.ledger.stakesOf(ann.address)[0];
    expect(chain.send(ann, { Delegate: { role: encoderRole, operator, amount: 50n * TOKEN } })).toBe("");
    expect(stake()).toMatchObject({ active: 0n, pending: 50n * TOKEN });
    chain.endEpoch();
    expect(stake()).toMatchObject({ active: 50n * TOKEN, pending: 0n });
    expect(chain.ledger.currentEpoch.roster.find((entry) => entry.encoder === operator)?.stake).toBe(
      150n * TOKEN,
    );
    expect(chain.send(ann, { Undelegate: { role: encoderRole, operator, amount: 50n * TOKEN } })).toBe("");
    const liquid = chain.ledger.balanceOf(ann.address);
    chain.endEpoch();
    expect(stake()).toMatchObject({ active: 0n, unbonding: 50n * TOKEN });
    chain.endEpoch();
    chain.endEpoch();
    expect(chain.ledger.balanceOf(ann.address)).toBe(liquid);
    chain.endEpoch();
    expect(chain.ledger.balanceOf(ann.address)).toBe(liquid + 50n * TOKEN);
    expect(stake()).toBeUndefined();
  });

  test("an encoder joins with its stake and its price, and one below the minimum goes", () => {
    const chain = new TestChain();
    const ann = chain.people[0]!;
    const delegate = { Delegate: { role: encoderRole, operator: ann.address, amount: 10n * TOKEN } };
    expect(chain.send(ann, delegate)).toBe("");
    expect(chain.send(ann, registration(ann))).toBe("");
    chain.endEpoch();
    expect(chain.ledger.currentEpoch.roster.map(({ encoder }) => encoder)).toContain(ann.address);
    const back = { Undelegate: { role: encoderRole, operator: ann.address, amount: TOKEN } };
    expect(chain.send(ann, back)).toBe("");
    chain.endEpoch();
    expect(chain.ledger.currentEpoch.roster.map(({ encoder }) => encoder)).not.toContain(ann.address);
  });

  test("a validator leaves at the epoch's end, and the last ones cannot leave the network without a committee", () => {
    const chain = new TestChain();
    const [first, ...others] = chain.validators as [Actor, ...Actor[]];
    expect(chain.send(first, { UnregisterValidator: true })).toBe("");
    expect(chain.send(first, { UnregisterValidator: true })).toBe("OPERATOR_LEAVING");
    expect(chain.ledger.currentEpoch.committee.length).toBe(4);
    chain.endEpoch();
    expect(chain.ledger.currentEpoch.committee.length).toBe(3);
    for (const other of others) chain.send(other, { UnregisterValidator: true });
    chain.endEpoch();
    expect(chain.ledger.currentEpoch.committee.length).toBe(3);
  });

  test("prices move by at most a factor of two an epoch", () => {
    const chain = new TestChain();
    for (const encoder of chain.encoders) {
      chain.send(encoder, { SetAsk: { ask: { modality: 0, pricePerByte: 1_000n, tokenizer: TOKENIZER } } });
    }
    expect(chain.ledger.currentEpoch.prices[0]).toBe(10n);
    const prices = [1, 2, 3].map(() => {
      chain.endEpoch();
      return chain.ledger.currentEpoch.prices[0];
    });
    expect(prices).toEqual([20n, 40n, 80n]);
  });
});

describe("DESIGN 4: settlement", () => {
  /** A ledger whose closing commit was executed, and an honest settlement of it. */
  function closing() {
    const chain = new TestChain();
    const [ann, bob] = chain.people as [Actor, Actor];
    chain.send(ann, transfer(bob.address, 1n));
    const { head } = chain.ledger;
    const timestampMs = chain.ledger.currentEpoch.startTimestampMs + chain.ledger.parameters.epochLength;
    const leader = { round: 9, author: 0, digest: "11".repeat(32) };
    const place = { epoch: 0n, index: head.commit + 1n, previous: head.commitDigest };
    const commit = { ...place, timestampMs, leader, blocks: [] };
    const executed = executeCommit(chain.ledger, { commit, beacon: "22".repeat(32), transactions: [] });
    if (!executed.ok || executed.value.settlement === null) throw new Error("the epoch does not close");
    const settled = settleEpoch(CHAIN_ID, executed.value.settlement);
    if (!settled.ok) throw new Error(settled.code);
    return { chain, settlement: settled.value, commit };
  }

  test.each<[string, (settlement: Settlement) => Settlement]>([
    ["SETTLEMENT_EPOCH", (s) => ({ ...s, epoch: 1n })],
    ["SETTLEMENT_INPUT", (s) => ({ ...s, input: "00".repeat(32) })],
    ["SETTLEMENT_MINTED", (s) => ({ ...s, minted: s.minted + 1n })],
    ["SETTLEMENT_ORDER", (s) => ({ ...s, payments: [...s.payments, ...s.payments] })],
    ["SETTLEMENT_ORDER", (s) => ({ ...s, pools: s.pools.toReversed() })],
    ["SETTLEMENT_ROLE", (s) => ({ ...s, pools: [{ role: 2, operator: "00".repeat(32), amount: 1n }] })],
    [
      "SETTLEMENT_SUM",
      (s) => ({ ...s, payments: [{ account: "01".repeat(32), amount: s.minted + 2_000n }] }),
    ],
  ])("refuses with %s, and then takes the honest one", (code, bend) => {
    const { chain, settlement, commit } = closing();
    expect(executeCommit(chain.ledger, { commit, beacon: commit.previous, transactions: [] })).toMatchObject({
      ok: false,
      code: "COMMIT_CLOSING",
    });
    const digest = chain.ledger.stateDigest();
    expect(applySettlement(chain.ledger, bend(settlement))).toMatchObject({ ok: false, code });
    expect(chain.ledger.stateDigest()).toBe(digest);
    expect(applySettlement(chain.ledger, settlement)).toMatchObject({
      ok: true,
      value: { next: { epoch: 1n } },
    });
    expect(applySettlement(chain.ledger, settlement)).toMatchObject({ ok: false, code: "SETTLEMENT_UNDUE" });
    expect(supplyTotal(chain.ledger.supply)).toBe(CAP);
  });

  test.each([
    ["COMMIT_GAP", { index: 9n }],
    ["COMMIT_FORK", { previous: "33".repeat(32) }],
    ["COMMIT_EPOCH", { epoch: 1n }],
  ])("a commit out of the sequence is refused with %s", (code, change) => {
    const chain = new TestChain();
    chain.commit();
    const { head } = chain.ledger;
    const leader = { round: 9, author: 0, digest: "11".repeat(32) };
    const place = { epoch: 0n, index: head.commit + 1n, previous: head.commitDigest };
    const commit = { ...place, timestampMs: head.timestampMs, leader, blocks: [], ...change };
    const input = { commit, beacon: "22".repeat(32), transactions: [] };
    expect(executeCommit(chain.ledger, input)).toMatchObject({ ok: false, code });
  });
});

describe("CONS-13", () => {
  function block(actor: Actor, author: number, timestampMs: bigint) {
    const body = {
      epoch: 0n,
      round: 5,
      author,
      timestampMs,
      ancestors: [],
      // As full as a block may be: evidence fits a transaction all the same.
      transactions: [new Uint8Array(250_000), new Uint8Array(250_000)],
      commitVotes: [],
      vrfProof: new Uint8Array(),
    };
    const signature = actor.key.sign(blockSigningBytes(CHAIN_ID, body));
    return encodeSignedHeader(CHAIN_ID, { body, signature });
  }

  test("two blocks of one slot slash their author, who sits out the next epoch", () => {
    const chain = new TestChain();
    const [ann, bob] = chain.people as [Actor, Actor];
    const author = chain.ledger.currentEpoch.committee.findIndex(
      (m) => m.validator === chain.validators[1]!.address,
    );
    const culprit = chain.validators[1]!;
    const first = block(culprit, author, 1n);
    const second = block(culprit, author, 2n);
    expect(chain.send(ann, { SubmitEquivocation: { first, second: first } })).toBe("EVIDENCE_SLOT");
    const forged = block(chain.validators[2]!, author, 3n);
    expect(chain.send(ann, { SubmitEquivocation: { first, second: forged } })).toBe("EVIDENCE_SIGNATURE");
    const before = chain.ledger.balanceOf(bob.address);
    expect(chain.send(bob, { SubmitEquivocation: { first, second } })).toBe("");
    expect(chain.ledger.balanceOf(bob.address) - before).toBe(5n * TOKEN - 1_000n);
    expect(chain.ledger.operators("validator").find(({ id }) => id === culprit.address)?.stake).toBe(
      900n * TOKEN,
    );
    expect(chain.send(ann, { SubmitEquivocation: { first: second, second: first } })).toBe("EVIDENCE_KNOWN");
    const members = () => chain.ledger.currentEpoch.committee.map(({ validator }) => validator);
    chain.endEpoch();
    expect(members()).not.toContain(culprit.address);
    chain.endEpoch();
    expect(members()).toContain(culprit.address);
  });
});
