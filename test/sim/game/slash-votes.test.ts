import { TOKEN } from "@soma/protocol";
import { PAID_REFUSALS, supplyTotal } from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { validatorRole } from "./kinds.ts";
import { type Actor, TestChain } from "./test-chain.ts";

const CAP = 1_000_000n * TOKEN;

/** A chain of four validators of 1000 tokens each; the accused first. */
function court() {
  const chain = new TestChain();
  const [accused, ...others] = chain.validators as [Actor, ...Actor[]];
  const vote = (voter: Actor) => chain.send(voter, { VoteSlash: { validator: accused.address } });
  const withdraw = (voter: Actor) => chain.send(voter, { WithdrawSlashVote: { validator: accused.address } });
  const stakeOf = (actor: Actor) =>
    chain.ledger.operators("validator").find(({ id }) => id === actor.address)?.stake;
  const standing = () => chain.ledger.slashStandings().get(accused.address);
  return { chain, accused, others: others as [Actor, Actor, Actor], vote, withdraw, stakeOf, standing };
}

describe("ECON-7", () => {
  test("two thirds of the stake must be exceeded, and only what stands at the epoch's end counts", () => {
    const { chain, accused, others, vote, withdraw, stakeOf, standing } = court();
    const [one, two, three] = others;
    expect([one, two].map(vote)).toEqual(["", ""]);
    expect(standing()).toEqual({ stake: 2_000n * TOKEN, quorum: false });
    chain.endEpoch();
    const stake = stakeOf(accused)!;
    expect(stake).toBeGreaterThanOrEqual(1_000n * TOKEN);
    expect(vote(three)).toBe("");
    expect(standing()?.quorum).toBe(true);
    expect(withdraw(one)).toBe("");
    chain.endEpoch();
    expect(stakeOf(accused)).toBeGreaterThan(stake);
  });

  test("each epoch under a quorum takes five in a hundred, rounded up, and gives no reward, until it ends", () => {
    const { chain, accused, others, vote, withdraw, stakeOf } = court();
    for (const voter of others) vote(voter);
    const liquid = chain.ledger.balanceOf(accused.address);
    chain.endEpoch();
    expect(stakeOf(accused)).toBe(950n * TOKEN);
    chain.endEpoch();
    expect(stakeOf(accused)).toBe((9_025n * TOKEN) / 10n);
    expect(chain.ledger.balanceOf(accused.address)).toBe(liquid);
    expect(stakeOf(others[0])).toBeGreaterThan(1_000n * TOKEN);
    expect(supplyTotal(chain.ledger.supply)).toBe(CAP);
    for (const voter of others) expect(withdraw(voter)).toBe("");
    chain.endEpoch();
    expect(stakeOf(accused)).toBeGreaterThan((9_025n * TOKEN) / 10n);
  });

  test("delegators lose alike, and stake that was asked back in the epoch does not escape", () => {
    const { chain, accused, others, vote } = court();
    const ann = chain.people[0]!;
    const order = { role: validatorRole, operator: accused.address, amount: 100n * TOKEN };
    expect(chain.send(ann, { Delegate: order })).toBe("");
    chain.endEpoch();
    const before = chain.ledger.stakesOf(ann.address)[0]!.active;
    for (const voter of others) vote(voter);
    expect(chain.send(ann, { Undelegate: { ...order, amount: before } })).toBe("");
    chain.endEpoch();
    const { unbonding } = chain.ledger.stakesOf(ann.address)[0]!;
    expect(unbonding * 20n).toBeLessThanOrEqual(before * 19n);
    expect(unbonding * 20n).toBeGreaterThan(before * 19n - 20n);
  });

  test("below the minimum stake the validator leaves, and the votes on it are gone", () => {
    const { chain, accused, others, vote, standing } = court();
    const back = { role: validatorRole, operator: accused.address, amount: 899n * TOKEN };
    expect(chain.send(accused, { Undelegate: back })).toBe("");
    chain.endEpoch();
    for (const voter of others) vote(voter);
    chain.endEpoch();
    chain.endEpoch();
    chain.endEpoch();
    const members = chain.ledger.currentEpoch.committee.map(({ validator }) => validator);
    expect(members).not.toContain(accused.address);
    expect(standing()).toBeUndefined();
    expect([...chain.written.keys()].filter((key) => key.startsWith("slash-vote/"))).toEqual([]);
  });

  test("the vote of one who has left lapses", () => {
    const { chain, others, vote, standing } = court();
    for (const voter of others) vote(voter);
    chain.send(others[0], { UnregisterValidator: true });
    expect(standing()?.stake).toBe(3_000n * TOKEN);
    chain.endEpoch();
    const [, two, three] = others;
    const stakes = chain.ledger.currentEpoch.committee.filter(({ validator }) =>
      [two.address, three.address].includes(validator),
    );
    expect(standing()?.stake).toBe(stakes.reduce((sum, { stake }) => sum + stake, 0n));
  });

  test.each<[string, (of: ReturnType<typeof court>) => string]>([
    ["VOTE_STRANGER", ({ chain, vote }) => vote(chain.people[0]!)],
    ["VOTE_STRANGER", ({ chain, vote }) => vote(chain.encoders[0]!)],
    ["VOTE_SELF", ({ accused, vote }) => vote(accused)],
    [
      "VOTE_ACCUSED",
      ({ chain, others }) => chain.send(others[0], { VoteSlash: { validator: chain.encoders[0]!.address } }),
    ],
    ["VOTE_STANDING", ({ others, vote }) => [others[0], others[0]].map(vote).join("")],
    ["VOTE_ABSENT", ({ others, withdraw }) => withdraw(others[0])],
    ["VOTE_ABSENT", ({ others, vote, withdraw }) => vote(others[0]) + withdraw(others[1])],
  ])("refuses with %s", (code, act) => {
    expect(act(court())).toBe(code);
    expect(code in PAID_REFUSALS).toBe(true);
  });
});
