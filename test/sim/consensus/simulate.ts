import { Rng } from "@soma/base";
import { BlockOpener, CONSENSUS_RULES, type ConsensusRules } from "@soma/consensus/core";
import {
  describeFailure,
  LATENCIES,
  type LatencyName,
  NodeClock,
  Scheduler,
  SimJudge,
  SimNetwork,
  type SimVerdict,
} from "@soma/testkit/sim";
import { ByzantineHost, STRATEGIES, type Strategy } from "./byzantine-host.ts";
import type { SimMessage } from "./messages.ts";
import { noCoverage, Observer, type SimCoverage } from "./observer.ts";
import { firstEpoch, SharedOpener, SIM_CHAIN, simParameters, validatorIds } from "./sim-chain.ts";
import { simVerifier } from "./sim-crypto.ts";
import { ValidatorHost } from "./validator-host.ts";
import type { SimWorld } from "./validator-process.ts";

/** How a run is set up; whatever is left out follows from the seed. */
export interface SimOptions {
  readonly seed: number;
  readonly validators?: number;
  /** Virtual milliseconds with faults, before everything heals. */
  readonly chaosMs?: number;
  /** The rules of a validator; mutants replace one. `nowMs` is that validator's own clock. */
  readonly rules?: (nowMs: () => number) => ConsensusRules;
  readonly syncsSignerLog?: boolean;
  readonly forgetsLoss?: boolean;
  readonly confirmsLease?: boolean;
}

/** What became of a run. */
export interface SimResult {
  readonly seed: number;
  readonly verdict: SimVerdict;
  readonly coverage: SimCoverage;
  readonly commits: number;
  readonly events: number;
  /** For a run that failed: verdict, the command that repeats it, and the last events. */
  readonly failure: string;
}

const START_MS = 1_000_000;
const HEALED_MS = 6_000;
/** Commits that each honest validator must gain once all is well. */
const COMMITS_AFTER_HEALING = 15;

/** Runs all real consensus cores of one network in virtual time, under the faults that the seed draws. */
export function simulate(options: SimOptions): SimResult {
  const rng = new Rng(options.seed);
  const count = options.validators ?? rng.pick([4, 4, 4, 7]);
  const chaosMs = options.chaosMs ?? rng.between(5_000, 9_000);
  const scheduler = new Scheduler(START_MS);
  const judge = new SimJudge(() => scheduler.nowMs - START_MS);
  const ids = validatorIds(count);
  const faults = drawFaults(rng, count);
  const honest = new Set(ids.filter((_, i) => !faults.byzantine.has(i)));
  // Drawn apart, so that older seeds keep their faults.
  const quiet = new Rng(options.seed ^ 0x7e57);
  const latency = rng.pick([...(Object.keys(LATENCIES) as LatencyName[]), "flapping", "flapping"] as const);
  const parameters = simParameters({
    epochLength: BigInt(rng.between(1_500, 4_000)),
    gcDepth: rng.pick([5, 8, 20, 60]),
    scheduleCommits: rng.pick([3, 5, 10]),
    commitBatch: rng.pick([3, 5, 20]),
    leaderTimeout: rng.pick([30, 100, 200]),
    minRoundDelay: rng.pick([20, 50]),
    restDelay: quiet.pick([1, 100, 200, 300]),
  });
  const world: SimWorld = {
    scheduler,
    network: new SimNetwork<SimMessage>(scheduler, rng.fork(1), {
      latency: LATENCIES[latency](),
      loss: rng.pick([0, 0.01, 0.05]),
      duplication: rng.pick([0, 0.05]),
    }),
    judge,
    observer: new Observer(judge, honest),
    opener: new SharedOpener((info) => new BlockOpener(SIM_CHAIN, info, simVerifier)),
    genesis: firstEpoch(ids, faults.stakes, START_MS, parameters),
    ids,
  };
  const hosts = ids.map((id, i) => {
    const skewMs = rng.chance(0.3) ? rng.between(-400, 400) : 0;
    const clock = new NodeClock(scheduler, skewMs, rng.between(-100, 100));
    const host = {
      id,
      clock,
      rng: rng.fork(100 + i),
      rules: options.rules?.(() => clock.nowMs) ?? CONSENSUS_RULES,
      bounds: {
        commitLag: rng.pick([3, 8]),
        commitLagRefusing: 60,
        suspendedPerAuthor: 128,
        roundsAfterClose: 60,
      },
      syncsSignerLog: options.syncsSignerLog ?? true,
      forgetsLoss: options.forgetsLoss ?? false,
      confirmsLease: options.confirmsLease ?? true,
    };
    const strategies = faults.byzantine.get(i);
    return strategies === undefined
      ? new ValidatorHost(world, host)
      : new ByzantineHost(world, host, strategies);
  });
  judge.note(
    `seed ${options.seed}: ${count} validators, stakes ${faults.stakes}, ${latency}, Byzantine ${[...faults.byzantine].map(([i, s]) => `${ids[i]!.slice(0, 6)} (${s})`)}, epoch ${parameters.epochLength} ms, gc ${parameters.gcDepth}`,
  );
  for (const host of hosts) scheduler.after(rng.between(0, 60), () => host.start());
  feedTransactions(world, hosts, rng.fork(2), quiet.pick([150, 150, 600]));
  scheduleFaults({ world, hosts, rng: rng.fork(3), chaosMs, faults });
  watchBounds(world, hosts);
  scheduleTakeovers({ world, hosts, rng: rng.fork(4), chaosMs, faults });

  scheduler.runUntil(START_MS + chaosMs, () => judge.hasFailed);
  const healed = world.observer.height;
  world.network.heal();
  Object.assign(world.network.conditions, { latency: LATENCIES.lan(), loss: 0, duplication: 0 });
  for (const host of hosts) host.start();
  judge.note("all heals");
  scheduler.runUntil(START_MS + chaosMs + HEALED_MS, () => judge.hasFailed);
  for (const [i, host] of hosts.entries()) {
    host.collectCounters();
    if (!honest.has(host.id) || (faults.lost.has(i) && !faults.lostCanReturn)) continue;
    if (host.height < healed + COMMITS_AFTER_HEALING) {
      judge.stalled(`${host.id.slice(0, 6)} is at commit ${host.height}; the network healed at ${healed}`);
    } else if (host.state !== null && !host.state.isSigning) {
      judge.stalled(`${host.id.slice(0, 6)} does not sign yet`);
    }
  }
  const overrides = [
    options.validators === undefined ? "" : ` --validators ${options.validators}`,
    options.chaosMs === undefined ? "" : ` --chaos-ms ${options.chaosMs}`,
  ].join("");
  const command = `npx node test/sim/consensus/run.ts --seed ${options.seed}${overrides}`;
  return {
    seed: options.seed,
    verdict: judge.verdict,
    coverage: world.observer.coverage,
    commits: world.observer.height,
    events: scheduler.executed,
    failure: describeFailure(judge.verdict, command, judge.trace()),
  };
}

/**
 * Who is faulty in a run: Byzantine validators, lost signer logs and databases restored from an older state together hold
 * less than a third of the stake. The last ones are faulty because an own block may list a Byzantine block that nobody
 * else was shown: once the database forgets that one, nobody can accept the own chain any more in this epoch.
 */
interface Faults {
  readonly stakes: bigint[];
  readonly byzantine: Map<number, Strategy[]>;
  readonly lost: Set<number>;
  readonly restored: Set<number>;
  /** CONS-8 asks quorum stake of others: with Byzantine ones among them it may never come together. */
  readonly lostCanReturn: boolean;
}

function drawFaults(rng: Rng, count: number): Faults {
  const isEqual = rng.chance(0.5);
  const stakes = Array.from({ length: count }, () => (isEqual ? 10n : BigInt(rng.between(9, 16))));
  const total = stakes.reduce((sum, stake) => sum + stake, 0n);
  // One validator's stake grows a little with every epoch, so the bound is kept with some room.
  const fits = (stake: bigint) => 3n * stake + 3n < total;
  const byzantine = new Map<number, Strategy[]>();
  const lost = new Set<number>();
  const restored = new Set<number>();
  let faulty = 0n;
  for (const index of rng.shuffle([...stakes.keys()])) {
    if (!fits(faulty + stakes[index]!)) continue;
    const kind = rng.below(10);
    if (kind < 5) byzantine.set(index, rng.shuffle(STRATEGIES).slice(0, rng.between(1, 4)));
    else if (kind < 8) lost.add(index);
    else restored.add(index);
    faulty += stakes[index]!;
  }
  return { stakes, byzantine, lost, restored, lostCanReturn: byzantine.size === 0 && lost.size <= 1 };
}

function feedTransactions(
  world: SimWorld,
  hosts: readonly ValidatorHost[],
  rng: Rng,
  intervalMs: number,
): void {
  const feed = () => {
    for (const host of hosts) if (host.isUp && rng.chance(0.5)) host.offerTransactions(rng.between(1, 3));
    world.scheduler.after(intervalMs, feed);
  };
  world.scheduler.after(100, feed);
}

function scheduleFaults(input: {
  readonly world: SimWorld;
  readonly hosts: readonly ValidatorHost[];
  readonly rng: Rng;
  readonly chaosMs: number;
  readonly faults: Faults;
}): void {
  const { world, hosts, rng, chaosMs, faults } = input;
  const { scheduler, network, observer, judge } = world;
  const during = () => scheduler.nowMs - START_MS < chaosMs;
  const at = (run: () => void) =>
    scheduler.after(rng.between(400, chaosMs - 1_000), () => {
      if (during()) run();
    });
  for (let i = rng.between(0, 2); i > 0; i--) {
    at(() => {
      const shuffled = rng.shuffle(world.ids);
      const cut = rng.between(1, shuffled.length - 1);
      network.partition([shuffled.slice(0, cut), shuffled.slice(cut)]);
      observer.coverage.partitions += 1;
      judge.note(`partition of ${cut}`);
      scheduler.after(rng.between(300, 2_500), () => {
        network.heal();
        judge.note("partition heals");
      });
    });
  }
  for (let i = rng.between(1, 4); i > 0; i--) {
    at(() => {
      const host = rng.chance(0.3) ? hosts[rng.pick([...faults.restored, 0])]! : rng.pick(hosts);
      if (rng.chance(0.5)) {
        host.crashAfter(rng.below(12));
        return;
      }
      const canGoBack = faults.restored.has(hosts.indexOf(host));
      const back = canGoBack && rng.chance(0.8) ? rng.between(1, 8) : 0;
      host.crash((store) => {
        store.disk.rollBack(back);
        if (back > 0) observer.coverage.rollbacks += 1;
      });
      scheduler.after(rng.between(50, 2_500), () => host.start());
    });
  }
  if (rng.chance(0.15)) {
    at(() => {
      judge.note("all crash");
      for (const host of hosts) host.crash();
      for (const host of hosts) scheduler.after(rng.between(100, 400), () => host.start());
    });
  }
  if (rng.chance(0.4)) at(() => network.slow(rng.pick(world.ids), rng.between(100, 400)));
  for (const index of faults.lost) {
    at(() => {
      const host = hosts[index]!;
      const isWiped = rng.chance(0.5);
      // Its last blocks may still be on their way when it asks the others what they know of them.
      if (rng.chance(0.5)) network.slow(host.id, rng.between(300, 3_000));
      scheduler.after(rng.between(100, 400), () => {
        network.slow(host.id, 0);
        host.crash((store) => {
          store.signer.wipe();
          store.isSignerLost = true;
          if (isWiped) store.disk.wipe();
          else store.disk.rollBack(rng.between(0, 30));
        });
        observer.coverage.lostDisks += 1;
        judge.note(`lost disk${isWiped ? ", database too" : ""}`);
        scheduler.after(rng.between(5, 1_500), () => host.start());
      });
    });
  }
}

/** Active instances that freeze and are taken over by their standbys; those that lose their disk may leave no signer log. */
function scheduleTakeovers(input: {
  readonly world: SimWorld;
  readonly hosts: readonly ValidatorHost[];
  readonly rng: Rng;
  readonly chaosMs: number;
  readonly faults: Faults;
}): void {
  const { world, hosts, rng, chaosMs, faults } = input;
  const steady = [...hosts.keys()].filter((i) => !faults.byzantine.has(i) && !faults.restored.has(i));
  for (let i = rng.between(0, 2); i > 0 && steady.length > 0; i--) {
    const index = rng.pick(steady);
    const isLost = faults.lost.has(index) && rng.chance(0.5);
    world.scheduler.after(rng.between(400, chaosMs - 500), () => {
      hosts[index]!.takeOver(rng.between(50, 1_500), (store) => {
        if (!isLost) return;
        store.signer.wipe();
        store.isSignerLost = true;
        world.observer.coverage.lostDisks += 1;
      });
    });
  }
}

/** CONS-11, again and again: no map outgrows what an honest network and the bounds allow. */
function watchBounds(world: SimWorld, hosts: readonly ValidatorHost[]): void {
  const size = world.ids.length;
  const most: Record<string, number> = {
    suspended: 128 * size,
    missing: 128 * size * size,
    blocks: 400 * size,
    polls: 2_001,
    fetches: 128 * size * size,
    votesPending: 100,
    transactions: 2_000,
  };
  const watch = () => {
    for (const host of hosts) {
      for (const [name, entries] of Object.entries(host.state?.sizes() ?? {})) {
        if (entries > most[name]!) world.judge.diverged(`${host.id.slice(0, 6)} holds ${entries} ${name}`);
      }
    }
    world.scheduler.after(100, watch);
  };
  world.scheduler.after(100, watch);
}

/** Coverage of several runs together. */
export function sumCoverage(results: readonly SimResult[]): SimCoverage {
  const sum = noCoverage();
  for (const { coverage } of results) {
    for (const name of Object.keys(sum) as (keyof SimCoverage)[]) sum[name] += coverage[name];
  }
  return sum;
}
