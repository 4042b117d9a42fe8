import { Rng } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeFailure, LATENCIES, NodeClock, Scheduler, SimDisk, SimJudge, SimNetwork } from "./index.ts";

describe("Scheduler", () => {
  test("runs by moment, then by the order of setting, also what is set on the way", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (moments) => {
        const scheduler = new Scheduler();
        const seen: [number, number][] = [];
        for (const [i, at] of moments.entries()) {
          scheduler.at(at, () => {
            seen.push([scheduler.nowMs, i]);
            if (i % 3 === 0) scheduler.after(7, () => seen.push([scheduler.nowMs, 1000 + i]));
          });
        }
        scheduler.runUntil(100);
        const expected = moments
          .flatMap((at, i): [number, number][] => [
            [at, i],
            ...(i % 3 === 0 ? [[at + 7, 1000 + i] as [number, number]] : []),
          ])
          .map(([at]) => at)
          .sort((a, b) => a - b);
        expect(seen.map(([at]) => at)).toEqual(expected);
        for (const [k, [at, i]] of seen.entries()) {
          const next = seen[k + 1];
          if (next !== undefined && next[0] === at && next[1] < 1000 && i < 1000)
            expect(next[1]).toBeGreaterThan(i);
        }
        expect(scheduler.nowMs).toBe(100);
      }),
    );
  });

  test("an event taken back does not run", () => {
    const scheduler = new Scheduler();
    let ran = 0;
    const cancel = scheduler.after(5, () => ran++);
    scheduler.after(6, () => ran++);
    cancel();
    scheduler.runUntil(10);
    expect(ran).toBe(1);
  });
});

describe("SimNetwork", () => {
  function run(seed: number, loss: number, duplication: number, partitioned: boolean): string[] {
    const scheduler = new Scheduler();
    const network = new SimNetwork<number>(scheduler, new Rng(seed), {
      latency: LATENCIES.jitter(),
      loss,
      duplication,
    });
    const got: string[] = [];
    for (const node of ["a", "b", "c"]) network.attach(node, (from, n) => got.push(`${from}${node}${n}`));
    if (partitioned) network.partition([["a", "b"], ["c"]]);
    for (let n = 0; n < 50; n++) {
      network.send("a", "b", n);
      network.send("a", "c", n);
    }
    network.heal();
    network.send("a", "c", 99);
    scheduler.runUntil(1000);
    return got;
  }

  test("the same seed repeats exactly; another does not", () => {
    expect(run(1, 0.1, 0.1, false)).toEqual(run(1, 0.1, 0.1, false));
    expect(run(1, 0.1, 0.1, false)).not.toEqual(run(2, 0.1, 0.1, false));
  });

  test("loses, repeats, reorders, and cuts off", () => {
    const clean = run(3, 0, 0, false);
    expect(clean).toHaveLength(101);
    expect(clean.filter((m) => m.startsWith("ab"))).not.toEqual(
      Array.from({ length: 50 }, (_, n) => `ab${n}`),
    );
    expect(run(3, 0.5, 0, false).length).toBeLessThan(80);
    expect(run(3, 0, 0.5, false).length).toBeGreaterThan(120);
    expect(run(3, 0, 0, true).filter((m) => m.startsWith("ac"))).toEqual(["ac99"]);
  });
});

test("a disk keeps what was synced, and some prefix of the rest", () => {
  const kept = new Set<number>();
  for (let seed = 0; seed < 50; seed++) {
    const disk = new SimDisk<number>();
    for (let i = 0; i < 3; i++) disk.append(i);
    disk.sync();
    for (let i = 3; i < 6; i++) disk.append(i);
    const lost = disk.crash(new Rng(seed));
    expect(disk.records).toEqual([0, 1, 2, 3, 4, 5].slice(0, 6 - lost));
    kept.add(disk.records.length);
    disk.rollBack(2);
    expect(disk.records).toHaveLength(4 - lost);
    disk.wipe();
    expect(disk.records).toEqual([]);
  }
  expect([...kept].sort()).toEqual([3, 4, 5, 6]);
});

test("a skewed clock sets its timers in its own time", () => {
  const scheduler = new Scheduler();
  const clock = new NodeClock(scheduler, -300, 200);
  let shown = 0;
  scheduler.at(clock.trueMs(5_000), () => {
    shown = clock.nowMs;
  });
  scheduler.runUntil(10_000);
  expect(Math.abs(shown - 5_000)).toBeLessThanOrEqual(1);
});

test("the first breach is the verdict, with the command that repeats it", () => {
  const judge = new SimJudge(() => 12);
  judge.note("before");
  judge.diverged("two digests");
  judge.stalled("later");
  judge.note("after");
  const text = describeFailure(judge.verdict, "npm run sim -- --seed 4", judge.trace());
  expect(text).toBe("diverged at 12.0 ms: two digests\nrepeat: npm run sim -- --seed 4\n     12.0 before");
});
