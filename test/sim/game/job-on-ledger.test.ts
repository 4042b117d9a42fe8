import { TOKEN } from "@soma/protocol";
import { supplyTotal } from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { bundled, drawn, finish, selected, send } from "./driven-job.ts";
import { JobDriver } from "./job-driver.ts";
import { TestChain } from "./test-chain.ts";

describe("GAME on the ledger, real signatures", () => {
  test("pays the winner fee less 5 % and tip, records the vectors, and slashes nobody who answered", () => {
    const driver = bundled();
    const { chain } = driver;
    const winner = driver.result().winner!;
    const before = chain.ledger.balanceOf(winner);
    const burned = chain.ledger.head.burned;
    const kind = driver.proof();
    const executed = chain.commit([
      chain.transaction({ actor: driver.payer, kind, sequence: chain.sequenceOf(driver.payer) }),
    ]);
    expect(executed.transactions[0]?.refusal).toBe("");
    expect(chain.ledger.balanceOf(winner) - before).toBe((TOKEN * 95n) / 100n + 500n);
    expect(chain.ledger.head.burned - burned).toBe(TOKEN / 20n + 1_000n);
    expect(executed.recorded).toMatchObject([
      { job: driver.id, winner, items: 2, payer: driver.payer.address },
    ]);
    expect(send(driver, kind)).toBe("JOB_PHASE");
    expect(chain.ledger.supply.escrowed).toBe(0n);
    expect(finish(driver)).toEqual([]);
    chain.endEpoch();
    expect(supplyTotal(chain.ledger.supply)).toBe(1_000_000n * TOKEN);
  });

  test("SCORE-2: the epoch's worst performer loses ten basis points, at most what the job paid for its seats", () => {
    const driver = bundled({ performanceMinJobs: 1 });
    const { chain } = driver;
    const { scores } = driver.result();
    const worst = scores.at(-1)!.encoder;
    const seats = driver.job.chosen.find(({ encoder }) => encoder === worst)!.seats;
    const { fee, quorum } = driver.job;
    expect(send(driver, driver.proof())).toBe("");
    expect(finish(driver)).toEqual([]);
    const stakes = () =>
      new Map(chain.ledger.operators("encoder").map(({ id, stake }) => [id, stake] as const));
    const before = stakes();
    chain.endEpoch();
    const lost = [...stakes()].filter(([id, stake]) => stake < before.get(id)!);
    const part = (fee * BigInt(seats)) / BigInt(quorum);
    const tenBps = before.get(worst)! / 1_000n;
    expect(lost).toEqual([[worst, before.get(worst)! - (part < tenBps ? part : tenBps)]]);
    expect(supplyTotal(chain.ledger.supply)).toBe(1_000_000n * TOKEN);
    const after = stakes();
    chain.endEpoch();
    for (const [id, stake] of stakes()) expect(stake).toBeGreaterThanOrEqual(after.get(id)!);
  });

  test("the payment's refusals", () => {
    const chain = new TestChain();
    const driver = new JobDriver(chain, chain.people[0]!);
    const refusal = (change: Parameters<JobDriver["payment"]>[0]) => send(driver, driver.payment(change));
    expect(refusal({ items: 0 })).toBe("JOB_ITEMS");
    expect(refusal({ items: 1_025 })).toBe("JOB_ITEMS");
    expect(refusal({ sizeBytes: 0n })).toBe("JOB_SIZE");
    expect(refusal({ modality: 1 })).toBe("JOB_NO_PRICE");
    expect(refusal({ modality: 200 })).toBe("JOB_NO_PRICE");
    expect(refusal({ maxPricePerByte: 9n })).toBe("JOB_PRICE");
    expect(refusal({ sizeBytes: 1_000_000n * TOKEN })).toBe("BALANCE_SHORT");
    for (const encoder of chain.encoders.slice(3)) chain.send(encoder, { UnregisterEncoder: true });
    chain.endEpoch();
    expect(refusal({})).toBe("JOB_ROSTER_SMALL");
    const wide = new TestChain({ embeddingDimension: 1024 });
    expect(wide.send(wide.people[0]!, driver.payment({ items: 121 }))).toBe("JOB_TOO_LARGE");
  });

  test("the selection's refusals, and that it cannot be replaced", () => {
    const driver = drawn();
    const all = driver.holders().map((holder) => driver.commitOf(holder));
    const [first, second] = driver.holders() as [never, never];
    expect(send(driver, driver.selection(all, driver.payer))).toBe("SELECTION_SIGNATURE");
    expect(send(driver, driver.selection(all, driver.session, "00".repeat(32)))).toBe("JOB_DATA_HASH");
    expect(send(driver, driver.selection([...all, all[0]!]))).toBe("COMMIT_DUPLICATE");
    expect(send(driver, driver.selection(all.slice(0, 2)))).toBe("SELECTION_QUORUM");
    expect(send(driver, driver.selection([driver.commitOf(first, second), ...all.slice(1)]))).toBe(
      "COMMIT_SIGNATURE",
    );
    expect(send(driver, driver.selection([driver.commitOf(driver.payer), ...all]))).toBe("COMMIT_STRANGER");
    expect(send(driver, driver.selection(all))).toBe("");
    const digest = driver.job.selection;
    expect(send(driver, driver.selection(all))).toBe("SELECTION_REPEATED");
    expect(send(driver, driver.selection(all.toReversed(), driver.payer))).toBe("SELECTION_SIGNATURE");
    expect(driver.job.selection).toBe(digest);
    const { recyclable } = driver.chain.ledger.supply;
    expect(send(driver, driver.selection(all.toReversed()))).toBe("");
    expect(driver.chain.ledger.job(driver.id)).toBeUndefined();
    expect(driver.chain.ledger.supply.recyclable - recyclable).toBe(TOKEN + 500n + 1_000n);
  });

  test("a mismatched reveal is slashed at once with a share for its bringer, and only once", () => {
    const driver = selected();
    const { chain } = driver;
    const [cheat, ...honest] = driver.holders();
    const lie = driver.revealOf(cheat!, "11".repeat(32));
    const reveals = honest.map((holder) => driver.revealOf(holder));
    expect(send(driver, driver.bundle(reveals, driver.payer))).toBe("BUNDLE_SIGNATURE");
    expect(send(driver, driver.bundle([...reveals, reveals[0]!]))).toBe("REVEAL_DUPLICATE");
    expect(send(driver, driver.bundle(reveals.slice(0, 3)))).toBe("BUNDLE_SHORT");
    expect(send(driver, driver.bundle([driver.revealOf(driver.payer), ...reveals]))).toBe("REVEAL_STRANGER");
    const before = chain.ledger.balanceOf(driver.payer.address);
    expect(send(driver, driver.bundle([lie, ...reveals]))).toBe("");
    expect(chain.ledger.balanceOf(driver.payer.address) - before).toBe(TOKEN / 4n - 1_000n);
    expect(driver.job.chosen.find((entry) => entry.encoder === cheat!.address)).toMatchObject({
      evaluated: false,
    });
    expect(send(driver, { PostReveal: { reveal: lie } })).toBe("REVEAL_DUPLICATE");
    driver.must(send(driver, driver.proof()));
    expect(finish(driver)).toEqual([]);
  });

  test("left out of the bundle, the one that posts its reveal is not slashed, the silent one is, after the proof too", () => {
    const driver = selected();
    const [watchful, silent, ...others] = driver.holders();
    driver.must(send(driver, driver.bundle(others.map((holder) => driver.revealOf(holder)))));
    driver.must(driver.chain.send(watchful!, { PostReveal: { reveal: driver.revealOf(watchful!) } }));
    driver.must(send(driver, driver.proof()));
    expect(finish(driver)).toEqual([`reveal ${silent!.address}`]);
  });

  test("the proof's refusals; a late evaluation excuses, silence does not", () => {
    const driver = bundled();
    const { job } = driver;
    const good = driver.result();
    const scores = good.scores;
    expect(send(driver, driver.proof({ ...good, selection: "00".repeat(32) }))).toBe("RESULT_JOB");
    expect(send(driver, driver.proof({ ...good, scores: scores.slice(1) }))).toBe("RESULT_SET");
    expect(send(driver, driver.proof({ ...good, scores: scores.toReversed() }))).toBe("RESULT_SET");
    expect(send(driver, driver.proof({ ...good, items: 3 }))).toBe("RESULT_ITEMS");
    expect(send(driver, driver.proof({ ...good, winner: null }))).toBe("RESULT_WINNER");
    expect(send(driver, driver.proof({ ...good, winner: driver.payer.address }))).toBe("RESULT_WINNER");
    expect(
      send(
        driver,
        driver.proof(good, () => true, driver.finals.subarray(1)),
      ),
    ).toBe("PROOF_FINALS");
    expect(
      send(
        driver,
        driver.proof(good, () => true, new Uint8Array(64)),
      ),
    ).toBe("PROOF_FINALS");
    expect(
      send(
        driver,
        driver.proof(good, (i) => i < 3),
      ),
    ).toBe("PROOF_QUORUM");
    const { aggregateSignature } = driver.signedResult({ ...good, winner: scores[1]!.encoder });
    const forged = { FinalProof: { ...driver.signedResult(good), aggregateSignature } };
    expect(send(driver, forged)).toBe("PROOF_SIGNATURE");
    const seats = (count: number) => job.chosen.slice(0, count).reduce((sum, entry) => sum + entry.seats, 0);
    const total = seats(job.chosen.length);
    const enough = job.chosen.findIndex((_, i) => 3 * seats(i) > 2 * total);
    driver.must(
      send(
        driver,
        driver.proof(good, (i) => i < enough),
      ),
    );
    const absent = job.chosen.slice(enough).map((entry) => driver.actorOf(entry.encoder));
    driver.must(driver.chain.send(absent[0]!, driver.evaluation(absent[0]!, good)));
    expect(driver.chain.send(absent[0]!, driver.evaluation(absent[0]!, good))).toBe("EVALUATION_DUPLICATE");
    expect(finish(driver)).toEqual(absent.slice(1).map((actor) => `no-signature ${actor.address}`));
  });
});
