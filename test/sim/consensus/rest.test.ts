import { expect, test } from "vitest";
import { faultlessNetwork } from "./faultless.ts";

// CONS-7, ADR 0028: a network that nobody waits for rests between its rounds, and the first transaction wakes all of it.

const [MIN, REST, DRAWN_AFTER] = [50, 200, 3];
/** Ways of a message on the simulated local network, and some for waiting until a whole millisecond. */
const MESSAGES = 30;

function network(seed: number) {
  const parameters = { minRoundDelay: MIN, restDelay: REST, leaderTimeout: 200, shardDelay: DRAWN_AFTER };
  const { world, observer, hosts, run } = faultlessNetwork(seed, parameters);
  run(5_000);
  const between = (from: number, to: number) =>
    observer.commits.slice(from, to).map(({ atMs }, i, all) => atMs - (all[i - 1]?.atMs ?? atMs));
  return { world, observer, hosts, run, between };
}

test("at rest a round comes when the first rest is over, and all make it", () => {
  const { observer, hosts, run } = network(1);
  const { height } = observer;
  run(20_000);
  const commits = observer.height - height;
  expect(commits).toBeLessThanOrEqual(20_000 / REST);
  expect(commits).toBeGreaterThan((0.85 * 20_000) / REST);
  const led = observer.commits.slice(height).map(({ author }) => author);
  for (const author of hosts.keys()) expect(led.filter((a) => a === author).length).toBeGreaterThan(10);
  // One block of each validator a round, as at full pace: nobody is left behind by those who wake it.
  for (const { blocks } of observer.subDags.slice(height)) expect(blocks).toHaveLength(4);
});

test("a transaction is committed as soon as at full pace, and the beacons after it come as fast", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { world, observer, hosts, run, between } = network(seed);
    // At any moment of a rest.
    run(7 * seed);
    const offered = observer.height;
    const atMs = observer.commits.at(-1)!.atMs;
    const now = world.scheduler.nowMs;
    hosts[seed % hosts.length]!.offerTransactions(1);
    run(3_000);
    const commit = observer.commits.findIndex(({ transactions }, at) => at >= offered && transactions > 0);
    const took = observer.commits[commit]!.atMs - now;
    // The round before may have begun without it; then three of its own, and one more where its round's leader is another.
    expect(took, `seed ${seed}, ${now - atMs} ms after a commit`).toBeLessThanOrEqual(5 * (MIN + MESSAGES));
    for (const ms of between(commit, commit + 1 + DRAWN_AFTER))
      expect(ms).toBeLessThanOrEqual(MIN + MESSAGES);
    // And then all rest again.
    for (const ms of between(commit + 5, observer.height).slice(1)) expect(ms).toBeGreaterThan(0.8 * REST);
  }
});

test("a validator that never rests only sets the pace", () => {
  const { observer, hosts, run } = network(2);
  const eager = hosts[1]!;
  const { height } = observer;
  for (let i = 0; i < 100; i++) {
    eager.offerTransactions(1);
    run(100);
  }
  const commits = observer.height - height;
  expect(commits).toBeLessThanOrEqual(10_000 / MIN);
  expect(commits).toBeGreaterThan(10_000 / (MIN + MESSAGES));
});
