import { merklePath } from "@soma/crypto";
import { CheckpointLeafCodec, provenLeaf, TOKEN } from "@soma/protocol";
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

/** One commit with this many payments of the smallest job; the codes of what was refused. */
function flood(chain: TestChain, payer: Actor, jobs: number): string[] {
  const kind = new JobDriver(chain, payer).payment({ sizeBytes: 1n });
  const first = chain.sequenceOf(payer);
  const payments = Array.from({ length: jobs }, (_, i) =>
    chain.transaction({ actor: payer, kind, sequence: first + BigInt(i) }),
  );
  return chain.commit(payments).transactions.flatMap(({ refusal }) => (refusal === "" ? [] : [refusal]));
}

describe("one party against the whole ledger", () => {
  test("a commit takes so many jobs and refuses the others; the next one takes as many again", () => {
    const chain = new TestChain({ jobsPerCommit: 20 });
    const [payer, other] = chain.people as [Actor, Actor];
    expect(flood(chain, payer, 30)).toEqual(Array.from({ length: 10 }, () => "JOB_CROWDED"));
    expect(flood(chain, other, 20)).toEqual([]);
    expect(chain.ledger.jobs().length).toBe(40);
    expect(supplyTotal(chain.ledger.supply)).toBe(CAP);
  });

  test("jobs that are due in one commit stand in several leaves, each of which a light client takes", () => {
    const chain = new TestChain({ jobsPerCommit: 4_096, selectTimeout: 10, checkpointCommits: 1 });
    const payer = chain.people[0]!;
    expect(flood(chain, payer, 700)).toEqual([]);
    const jobs = chain.ledger.jobs().map(({ id }) => id);
    while (chain.ledger.jobs()[0]?.phase === "paid") chain.commit();
    const { checkpoint, leaves } = chain.checkpoints.at(-1)!;
    const drawn: string[] = [];
    for (const [index, leaf] of leaves.entries()) {
      expect(leaf.length).toBeLessThan(64 * 1024);
      const proven = provenLeaf(checkpoint, { leaf, index, path: merklePath([...leaves], index) });
      if (!proven.ok) throw new Error(proven.code);
      for (const event of proven.value.Deadline?.events ?? []) drawn.push(event.ShardDrawn!.job);
    }
    expect(leaves.filter((leaf) => CheckpointLeafCodec.parse(leaf).Deadline !== undefined).length).toBe(3);
    expect(drawn).toEqual(jobs);
  });

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
