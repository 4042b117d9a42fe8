import { drawCommit, drawShard, TOKEN } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { bundled, drawn, finish, selected, send } from "./driven-job.ts";
import type { JobDriver } from "./job-driver.ts";
import { beaconOf, CHAIN_ID } from "./test-chain.ts";

describe("GAME on the ledger, when somebody does not do its part", () => {
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
