import { Rng } from "@soma/base";
import { BlockOpener, CONSENSUS_RULES, type CommittedSubDag } from "@soma/consensus/core";
import { NodeClock, Scheduler, SimJudge, SimNetwork } from "@soma/testkit/sim";
import type { SimMessage } from "../test/sim/consensus/messages.ts";
import { Observer } from "../test/sim/consensus/observer.ts";
import {
  firstEpoch,
  SharedOpener,
  SIM_CHAIN,
  simParameters,
  simTransaction,
  validatorIds,
} from "../test/sim/consensus/sim-chain.ts";
import { simVerifier } from "../test/sim/consensus/sim-crypto.ts";
import { ValidatorHost } from "../test/sim/consensus/validator-host.ts";
import type { SimWorld } from "../test/sim/consensus/validator-process.ts";
import { percentile } from "./support/statistics.ts";

const SIZES = [4, 10, 25, 50, 100];
const START_MS = 1_000_000;
/** One way of every message, virtual ms: above the minimum round delay, so that messages set the pace. */
const DELAY_MS = 100;
const MIN_ROUND_MS = 50;
const WARM_MS = 3_000;
/** Virtual time that is measured; shorter for many validators, whose messages grow with their square. */
const measureMs = (validators: number) => Math.max(3_000, Math.round(60_000 / validators));
/** Transactions that each validator is offered a virtual second. */
const RATE = 5;

export interface GrowthRow {
  readonly validators: number;
  readonly commitsPerSecond: number;
  readonly messagesPerCommit: number;
  /** Bytes that one validator sends in a virtual second. */
  readonly sentPerSecond: number;
  /** CPU of one validator's core for one commit, ms of this machine. */
  readonly cpuPerCommit: number;
  /** From a transaction's offer to its commit at the same validator, in message delays. */
  readonly finality: { readonly p50: number; readonly p99: number };
}

/** A validator that remembers when its transactions were offered and committed, and what it sent. */
class MeasuredHost extends ValidatorHost {
  readonly #offeredAt = new Map<string, number>();
  #offered = 0;
  readonly latencies: number[] = [];
  bytes = 0;

  offer(): void {
    const text = Buffer.from(simTransaction(this.id, this.#offered++)).toString();
    this.#offeredAt.set(text, this.world.scheduler.nowMs);
    this.offerTransactions(1);
  }

  protected override executes(committed: CommittedSubDag): void {
    for (const { body } of committed.blocks) {
      for (const transaction of body.transactions) {
        const offeredAt = this.#offeredAt.get(Buffer.from(transaction).toString());
        if (offeredAt !== undefined) this.latencies.push(this.world.scheduler.nowMs - offeredAt);
      }
    }
  }

  protected override send(to: string, message: SimMessage): void {
    if (message.type === "blocks") for (const block of message.blocks) this.bytes += block.length;
    super.send(to, message);
  }
}

function measure(validators: number): GrowthRow {
  const rng = new Rng(7);
  const scheduler = new Scheduler(START_MS);
  const judge = new SimJudge(() => scheduler.nowMs - START_MS);
  const ids = validatorIds(validators);
  const parameters = simParameters({
    epochLength: 86_400_000n,
    minRoundDelay: MIN_ROUND_MS,
    leaderTimeout: 4 * DELAY_MS,
  });
  const world: SimWorld = {
    scheduler,
    network: new SimNetwork<SimMessage>(scheduler, rng.fork(1), {
      latency: () => DELAY_MS,
      loss: 0,
      duplication: 0,
    }),
    judge,
    observer: new Observer(judge, new Set(ids)),
    opener: new SharedOpener((info) => new BlockOpener(SIM_CHAIN, info, simVerifier)),
    genesis: firstEpoch(
      ids,
      ids.map(() => 10n),
      START_MS,
      parameters,
    ),
    ids,
  };
  const hosts = ids.map((id, i) => {
    const clock = new NodeClock(scheduler, 0, 0);
    const common = { rules: CONSENSUS_RULES, bounds: {}, syncsSignerLog: true, forgetsLoss: false };
    return new MeasuredHost(world, { id, clock, rng: rng.fork(100 + i), ...common });
  });
  for (const host of hosts) {
    host.start();
    const feed = () => {
      host.offer();
      scheduler.after((1000 / RATE) * (0.5 + rng.float()), feed);
    };
    scheduler.after(rng.between(0, 1000 / RATE), feed);
  }
  scheduler.runUntil(START_MS + WARM_MS, () => judge.hasFailed);
  const before = { commits: world.observer.height, sent: world.network.counters.sent };
  for (const host of hosts) {
    host.latencies.length = 0;
    host.bytes = 0;
  }
  const cpu = process.cpuUsage();
  const forMs = measureMs(validators);
  scheduler.runUntil(START_MS + WARM_MS + forMs, () => judge.hasFailed);
  if (judge.hasFailed) throw new Error(`the simulation failed: ${JSON.stringify(judge.verdict)}`);
  const { user, system } = process.cpuUsage(cpu);
  const commits = world.observer.height - before.commits;
  const latencies = hosts.flatMap((host) => host.latencies);
  const bytes = hosts.reduce((sum, host) => sum + host.bytes, 0);
  return {
    validators,
    commitsPerSecond: (commits * 1000) / forMs,
    messagesPerCommit: (world.network.counters.sent - before.sent) / commits,
    sentPerSecond: (bytes * 1000) / forMs / validators,
    cpuPerCommit: (user + system) / 1000 / validators / commits,
    finality: { p50: percentile(latencies, 0.5) / DELAY_MS, p99: percentile(latencies, 0.99) / DELAY_MS },
  };
}

/** How messages, CPU and finality of the consensus core grow with the committee, without faults, in virtual time. */
export async function benchGrowth(say: (text: string) => void): Promise<GrowthRow[]> {
  return SIZES.map((validators) => {
    say(`${validators} validators`);
    return measure(validators);
  });
}
