import { TOKEN } from "@soma/protocol";
import { supplyTotal } from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { JobDriver } from "./job-driver.ts";
import { type Actor, TestChain } from "./test-chain.ts";

const CAP = 1_000_000n * TOKEN;

/** The encoder slashes itself, job after job of one epoch, until next to nothing is left in its pool. */
function burnDown(chain: TestChain, payer: Actor, encoder: Actor): void {
  const stake = () => chain.ledger.operators("encoder").find(({ id }) => id === encoder.address)?.stake ?? 0n;
  for (;;) {
    const driver = new JobDriver(chain, payer);
    driver.pay({ sizeBytes: 1n });
    if (!driver.holders().includes(encoder)) continue;
    const before = stake();
    driver.must(chain.send(payer, driver.postedCommit(encoder)));
    driver.must(chain.send(payer, driver.optOut(encoder, "Unavailable")));
    if (stake() === before) return;
  }
}

describe("one party against the whole ledger", () => {
  test("a pool that is burnt down and filled up again, epoch after epoch, does not outgrow its shares", () => {
    const chain = new TestChain({ epochLength: 100_000_000n, slashOptOutCommitBps: 9_000 });
    const [payer, staker] = chain.people as [Actor, Actor];
    const encoder = chain.encoders[0]!;
    const kind = {
      Delegate: { role: { Encoder: true }, operator: encoder.address, amount: 10n * TOKEN },
    } as const;
    const liquid = chain.ledger.balanceOf(staker.address);
    let staked = 0n;
    for (let epoch = 0; epoch < 6; epoch++) {
      const roster = chain.ledger.currentEpoch.roster.map((entry) => entry.encoder);
      if (roster.includes(encoder.address)) burnDown(chain, payer, encoder);
      expect(chain.send(staker, kind)).toBe("");
      staked += 10n * TOKEN;
      chain.endEpoch();
      expect(supplyTotal(chain.ledger.supply)).toBe(CAP);
    }
    // What the exhausted pool does not take comes back.
    expect(chain.ledger.balanceOf(staker.address)).toBeGreaterThan(liquid - staked);
    chain.reload();
  });

  test("operators beyond the seats of an epoch stay registered, and those of the highest stakes sit", () => {
    const chain = new TestChain({ committeeSeats: 3, rosterSeats: 4 });
    const staker = chain.people[0]!;
    const raised = [chain.encoders[2]!, chain.encoders[5]!];
    for (const { address: operator } of raised) {
      expect(
        chain.send(staker, { Delegate: { role: { Encoder: true }, operator, amount: 10n * TOKEN } }),
      ).toBe("");
    }
    chain.endEpoch();
    const { committee, roster } = chain.ledger.currentEpoch;
    expect([committee.length, roster.length]).toEqual([3, 4]);
    for (const { address } of raised) expect(roster.map(({ encoder }) => encoder)).toContain(address);
    const ids = roster.map(({ encoder }) => encoder);
    expect(ids).toEqual([...ids].sort());
    expect(chain.ledger.operators("encoder").length).toBe(8);
    chain.reload();
    chain.endEpoch();
  });
});
