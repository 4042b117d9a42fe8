import { Rng } from "@soma/base";
import { BlockOpener, CONSENSUS_RULES, type CommittedSubDag } from "@soma/consensus/core";
import type { Parameters } from "@soma/protocol";
import { LATENCIES, NodeClock, Scheduler, SimJudge, SimNetwork } from "@soma/testkit/sim";
import type { SimMessage } from "./messages.ts";
import { Observer } from "./observer.ts";
import { firstEpoch, SharedOpener, SIM_CHAIN, simParameters, validatorIds } from "./sim-chain.ts";
import { simVerifier } from "./sim-crypto.ts";
import { ValidatorHost } from "./validator-host.ts";
import type { SimWorld } from "./validator-process.ts";

const START_MS = 1_000_000;

/** Remembers each commit, who led it, and when it was first delivered. */
class CommitLog extends Observer {
  readonly commits: { author: number; atMs: number; transactions: number }[] = [];
  readonly subDags: CommittedSubDag[] = [];
  readonly #now: () => number;

  constructor(judge: SimJudge, honest: ReadonlySet<string>, now: () => number) {
    super(judge, honest);
    this.#now = now;
  }

  override delivered(node: string, committed: CommittedSubDag): void {
    const before = this.height;
    super.delivered(node, committed);
    if (this.height === before) return;
    const transactions = committed.blocks.reduce((sum, { body }) => sum + body.transactions.length, 0);
    this.commits.push({ author: committed.commit.leader.author, atMs: this.#now(), transactions });
    this.subDags.push(committed);
  }
}

/** Four validators of equal stake on a local network without faults, started, in one long epoch. */
export function faultlessNetwork(seed: number, parameters: Partial<Parameters>) {
  const rng = new Rng(seed);
  const scheduler = new Scheduler(START_MS);
  const judge = new SimJudge(() => scheduler.nowMs - START_MS);
  const ids = validatorIds(4);
  const observer = new CommitLog(judge, new Set(ids), () => scheduler.nowMs);
  const world: SimWorld = {
    scheduler,
    network: new SimNetwork<SimMessage>(scheduler, rng.fork(1), {
      latency: LATENCIES.lan(),
      loss: 0,
      duplication: 0,
    }),
    judge,
    observer,
    opener: new SharedOpener((info) => new BlockOpener(SIM_CHAIN, info, simVerifier)),
    genesis: firstEpoch(
      ids,
      [10n, 10n, 10n, 10n],
      START_MS,
      simParameters({ epochLength: 10_000_000n, gcDepth: 60, ...parameters }),
    ),
    ids,
  };
  const hosts = ids.map(
    (id, i) =>
      new ValidatorHost(world, {
        id,
        clock: new NodeClock(scheduler, 0, 0),
        rng: rng.fork(10 + i),
        rules: CONSENSUS_RULES,
        bounds: {},
        syncsSignerLog: true,
        forgetsLoss: false,
      }),
  );
  for (const host of hosts) host.start();
  /** @throws Error if a rule was broken */
  const run = (ms: number) => {
    scheduler.runUntil(scheduler.nowMs + ms, () => judge.hasFailed);
    if (judge.hasFailed) throw new Error(JSON.stringify(judge.verdict));
  };
  return { world, observer, ids, hosts, run };
}
