import { drawCommit, drawShard, TOKEN } from "@soma/protocol";
import { supplyTotal } from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { JobDriver } from "./job-driver.ts";
import { beaconOf, CHAIN_ID, TestChain } from "./test-chain.ts";

function drawn(): JobDriver {
  const chain = new TestChain({ epochLength: 1_000_000n });
  const driver = new JobDriver(chain, chain.people[0]!);
  driver.pay();
  return driver;
}

function selected(): JobDriver {
  const driver = drawn();
  driver.must(
    driver.chain.send(driver.payer, driver.selection(driver.holders().map((h) => driver.commitOf(h)))),
  );
  return driver;
}

function bundled(): JobDriver {
  const driver = drawn();
  driver.bundleEverybody();
  return driver;
}

/** Sends as the payer; the refusal's code. */
const send = (driver: JobDriver, kind: Parameters<TestChain["send"]>[1]) =>
  driver.chain.send(driver.payer, kind);

/** Commits until the job's record is gone; the slashes on the way, as "cause operator". */
function finish(driver: JobDriver): string[] {
  const slashes: string[] = [];
  const { selectTimeout, shardAttempts, revealTimeout, proofTimeout } = driver.chain.ledger.parameters;
  // More than all deadlines of GAME-9 together.
  const most = 2 * (selectTimeout * shardAttempts + revealTimeout + proofTimeout);
  for (let i = 0; i < most && driver.chain.ledger.job(driver.id) !== undefined; i++) {
    for (const event of driver.chain.commit().events) {
      if ("Slashed" in event) slashes.push(`${event.Slashed.cause} ${event.Slashed.operator}`);
    }
  }
  expect(driver.chain.ledger.job(driver.id)).toBeUndefined();
  return slashes;
}

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

  test("no proof: the majority of posted evaluations stands", () => {
    const driver = bundled();
    const good = driver.result();
    const [liar, ...honest] = driver.holders();
    driver.must(
      driver.chain.send(liar!, driver.evaluation(liar!, { ...good, winner: good.scores[1]!.encoder })),
    );
    for (const holder of honest) driver.must(driver.chain.send(holder, driver.evaluation(holder, good)));
    const before = driver.chain.ledger.balanceOf(good.winner!);
    expect(finish(driver)).toEqual([]);
    expect(driver.chain.ledger.balanceOf(good.winner!) - before).toBe((TOKEN * 95n) / 100n + 500n);
  });

  test("one hasty evaluation decides nothing: half is burned, the rest refunded, the silent slashed", () => {
    const driver = bundled();
    const light = [...driver.job.chosen].sort((a, b) => a.seats - b.seats)[0]!.encoder;
    driver.must(driver.chain.send(driver.actorOf(light), driver.evaluation(driver.actorOf(light))));
    const before = driver.chain.ledger.balanceOf(driver.payer.address);
    const slashes = finish(driver);
    expect(driver.chain.ledger.balanceOf(driver.payer.address) - before).toBe(TOKEN / 2n + 500n);
    expect(slashes.length).toBe(driver.chain.encoders.length - 1);
    expect(slashes.every((slash) => slash.startsWith("no-signature"))).toBe(true);
  });

  test("the submitter is gone: posted commits of a quorum share half by seats; without an offer none is taken", () => {
    const driver = drawn();
    const { chain } = driver;
    const shard = driver.job.shard;
    const holders = driver.holders();
    expect(chain.send(holders[0]!, driver.postedCommit(holders[0]!, driver.payer))).toBe("OFFER_SIGNATURE");
    const before = new Map(holders.map((holder) => [holder.address, chain.ledger.balanceOf(holder.address)]));
    for (const holder of holders) driver.must(chain.send(driver.payer, driver.postedCommit(holder)));
    expect(send(driver, driver.postedCommit(holders[0]!))).toBe("COMMIT_DUPLICATE");
    expect(finish(driver)).toEqual([]);
    const seat = TOKEN / 2n / 61n;
    for (const { encoder, seats } of shard) {
      expect(chain.ledger.balanceOf(encoder) - before.get(encoder)!).toBe(seat * BigInt(seats));
    }
  });

  test("three attempts without a quorum: refund less 5 %", () => {
    const driver = drawn();
    const before = driver.chain.ledger.balanceOf(driver.payer.address);
    expect(finish(driver)).toEqual([]);
    expect(driver.chain.ledger.balanceOf(driver.payer.address) - before).toBe((TOKEN * 95n) / 100n + 500n);
  });

  /** Holders of enough seats, and the rest: the heaviest first, so that somebody is left out. */
  function split(driver: JobDriver) {
    const { shard, quorum } = driver.job;
    const chosen: typeof shard = [];
    let seats = 0;
    for (const member of [...shard].sort((a, b) => b.seats - a.seats)) {
      if (seats >= quorum) break;
      chosen.push(member);
      seats += member.seats;
    }
    const rest = shard.filter((member) => !chosen.includes(member));
    expect(rest.length).toBeGreaterThan(0);
    return { chosen: chosen.map(({ encoder }) => driver.actorOf(encoder)), rest };
  }

  test("a quorum is counted in seats, and one seat less is refused", () => {
    const driver = drawn();
    const { shard, quorum } = driver.job;
    // The subset of seats that comes closest to the quorum from below.
    let best: { seats: number; members: typeof shard } = { seats: 0, members: [] };
    for (let bits = 0; bits < 1 << shard.length; bits++) {
      const members = shard.filter((_, i) => ((bits >> i) & 1) === 1);
      const seats = members.reduce((sum, member) => sum + member.seats, 0);
      if (seats < quorum && seats > best.seats) best = { seats, members };
    }
    expect(best.seats).toBe(quorum - 1);
    const commits = best.members.map(({ encoder }) => driver.commitOf(driver.actorOf(encoder)));
    expect(send(driver, driver.selection(commits))).toBe("SELECTION_QUORUM");
  });

  test("unselected: only by a receipt, once, within the seats' part of the fee; a posted commit excuses", () => {
    const driver = drawn();
    const { chosen, rest } = split(driver);
    const [late, quick] = rest.map(({ encoder }) => driver.actorOf(encoder));
    const seats = rest[0]!.seats;
    expect(send(driver, driver.receipt(late!))).toBe("JOB_PHASE");
    if (quick !== undefined) driver.must(driver.chain.send(quick, driver.postedCommit(quick)));
    driver.must(send(driver, driver.selection(chosen.map((holder) => driver.commitOf(holder)))));
    expect(send(driver, driver.receipt(chosen[0]!))).toBe("RECEIPT_EXCUSED");
    if (quick !== undefined) expect(send(driver, driver.receipt(quick))).toBe("RECEIPT_EXCUSED");
    const stake = () =>
      driver.chain.ledger.operators("encoder").find(({ id }) => id === late!.address)!.stake;
    const before = stake();
    driver.must(send(driver, driver.receipt(late!)));
    expect(before - stake()).toBe((TOKEN * BigInt(seats)) / BigInt(driver.job.quorum));
    expect(send(driver, driver.receipt(late!))).toBe("RECEIPT_DUPLICATE");
    expect(send(driver, driver.receipt(driver.payer))).toBe("RECEIPT_STRANGER");
  });

  test("opted out and yet committed: heavy, and once; an opt-out after the selection excuses nobody", () => {
    const driver = drawn();
    const { chosen, rest } = split(driver);
    const [liar, other] = chosen;
    driver.must(send(driver, driver.optOut(liar!, "Unavailable")));
    expect(send(driver, driver.optOut(liar!, "Unavailable"))).toBe("OPT_OUT_DUPLICATE");
    expect(send(driver, driver.optOut(driver.payer, "Unavailable"))).toBe("OPT_OUT_STRANGER");
    const stakeOf = (id: string) =>
      driver.chain.ledger.operators("encoder").find((row) => row.id === id)!.stake;
    driver.must(send(driver, driver.selection(chosen.map((holder) => driver.commitOf(holder)))));
    expect(stakeOf(liar!.address)).toBe(90n * TOKEN);
    expect(send(driver, driver.optOut(driver.actorOf(rest[0]!.encoder), "Unavailable"))).toBe("OPT_OUT_LATE");
    driver.must(send(driver, driver.optOut(other!, "HashMismatch")));
    expect(stakeOf(other!.address)).toBe(90n * TOKEN);
  });

  test("a quorum that calls the data bad ends the job at once; a tenth is burned and nobody earns it", () => {
    const driver = drawn();
    const { chain } = driver;
    const before = chain.ledger.balanceOf(driver.payer.address);
    const earned = driver.holders().map((holder) => chain.ledger.balanceOf(holder.address));
    let fees = 0n;
    for (const holder of driver.holders()) {
      if (chain.ledger.job(driver.id) === undefined) break;
      driver.must(send(driver, driver.optOut(holder, "HashMismatch")));
      fees += 1_000n;
    }
    expect(chain.ledger.job(driver.id)).toBeUndefined();
    expect(chain.ledger.balanceOf(driver.payer.address) - before).toBe((TOKEN * 9n) / 10n + 500n - fees);
    expect(chain.encoders.map((encoder) => chain.ledger.balanceOf(encoder.address)).sort()).toEqual(
      earned.sort(),
    );
  });

  test("vectors that nobody serves: more than two thirds say so, the job ends, half is burned, the slash is capped", () => {
    const driver = bundled();
    const [missing, ...others] = driver.holders();
    const { seats } = driver.job.chosen.find((entry) => entry.encoder === missing!.address)!;
    const { quorum } = driver.job;
    const before = driver.chain.ledger.balanceOf(driver.payer.address);
    expect(send(driver, driver.unavailable(others[0]!, driver.payer))).toBe("UNAVAILABLE_STRANGER");
    for (const other of others) {
      if (driver.chain.ledger.job(driver.id) === undefined) break;
      driver.must(driver.chain.send(other, driver.unavailable(other, missing!)));
    }
    expect(driver.chain.ledger.job(driver.id)).toBeUndefined();
    const spent = 1_000n;
    expect(driver.chain.ledger.balanceOf(driver.payer.address) - before).toBe(TOKEN / 2n + 500n - spent);
    const row = driver.chain.ledger.operators("encoder").find(({ id }) => id === missing!.address)!;
    expect(100n * TOKEN - row.stake).toBe((TOKEN * BigInt(seats)) / BigInt(quorum));
  });

  test("an early quorum of posted commits still leaves the submitter time to select", () => {
    const driver = drawn();
    const { chain } = driver;
    while (chain.ledger.head.commit < driver.job.deadline - 10n) chain.commit();
    const deadline = driver.job.deadline;
    const carried = driver.holders().map((holder) =>
      chain.transaction({
        actor: holder,
        kind: driver.postedCommit(holder),
        sequence: chain.sequenceOf(holder),
      }),
    );
    chain.commit(carried);
    const grace = BigInt(chain.ledger.parameters.selectTimeout / 4);
    expect(driver.job.deadline).toBe(chain.ledger.head.commit + grace);
    while (chain.ledger.head.commit < deadline + 5n) chain.commit();
    driver.must(send(driver, driver.selection(driver.holders().map((holder) => driver.commitOf(holder)))));
    expect(driver.job.phase).toBe("selected");
  });

  test("half of the seats cannot declare vectors missing", () => {
    const driver = bundled();
    const [missing, ...others] = driver.holders();
    const seatsOf = (encoder: string) => driver.job.chosen.find((entry) => entry.encoder === encoder)!.seats;
    let naming = 0;
    for (const other of others) {
      if (3 * (naming + seatsOf(other.address)) > 2 * 61) break;
      naming += seatsOf(other.address);
      driver.must(driver.chain.send(other, driver.unavailable(other, missing!)));
    }
    expect(2 * naming).toBeGreaterThan(61);
    expect(driver.job.phase).toBe("bundled");
    driver.must(send(driver, driver.proof()));
    expect(finish(driver)).toEqual([]);
  });

  test("the shard is that of the draw's own commit, and the next attempt's another", () => {
    const driver = drawn();
    const { chain } = driver;
    const { parameters } = chain.ledger;
    const expectDraw = (attempt: number) => {
      const { job } = driver;
      const shard = drawShard({
        chainId: CHAIN_ID,
        epoch: chain.ledger.currentEpoch,
        parameters,
        modality: 0,
        beacon: beaconOf(drawCommit(job.paidAt, attempt, parameters)),
        job: job.id,
        attempt,
      });
      if (!shard.ok) throw new Error(shard.code);
      const rows = [...shard.value.seatsOf].map(([encoder, seats]) => ({ encoder, seats }));
      expect(job.shard).toEqual(rows.sort((a, b) => (a.encoder < b.encoder ? -1 : 1)));
      expect([job.attempt, job.quorum]).toEqual([attempt, 49]);
      return job.shard;
    };
    const first = expectDraw(0);
    while (driver.job.attempt === 0) chain.commit();
    expect(expectDraw(1)).not.toEqual(first);
  });

  test("a reveal counts until its deadline's commit, and not after", () => {
    const driver = selected();
    const { chain } = driver;
    const [last, late, ...others] = driver.holders();
    while (chain.ledger.head.commit < driver.job.revealDeadline - 2n) chain.commit();
    driver.must(send(driver, driver.bundle(others.map((holder) => driver.revealOf(holder)))));
    driver.must(chain.send(last!, { PostReveal: { reveal: driver.revealOf(last!) } }));
    expect(chain.ledger.head.commit).toBe(driver.job.revealDeadline);
    expect(driver.job.slashed.map(({ encoder }) => encoder)).toEqual([late!.address]);
    expect(chain.send(late!, { PostReveal: { reveal: driver.revealOf(late!) } })).toBe("REVEAL_LATE");
  });
});
