import { createHash } from "node:crypto";
import { Rng } from "@soma/base";
import { BlockOpener, CONSENSUS_RULES } from "@soma/consensus/core";
import { genesisEpoch } from "@soma/protocol";
import {
  describeFailure,
  LATENCIES,
  NodeClock,
  Scheduler,
  SimJudge,
  SimNetwork,
  type SimVerdict,
} from "@soma/testkit/sim";
import type { SimMessage } from "../consensus/messages.ts";
import { Observer } from "../consensus/observer.ts";
import { SharedOpener, SIM_CHAIN } from "../consensus/sim-chain.ts";
import { simVerifier } from "../consensus/sim-crypto.ts";
import { type Actor, castOf, genesisOf } from "./actors.ts";
import { Auditor } from "./auditor.ts";
import { CheckedTransactions } from "./checked-transactions.ts";
import { type NetworkCoverage, noNetworkCoverage } from "./coverage.ts";
import { EncoderHost } from "./encoder-host.ts";
import { FaultyEncoder } from "./faulty-encoder.ts";
import { scheduleFaults, scheduleLife, scheduleTakeovers } from "./incidents.ts";
import type { NetworkMessage } from "./messages.ts";
import { NetworkValidator } from "./network-validator.ts";
import { OverrideDesk } from "./override-desk.ts";
import { drawPlan } from "./plan.ts";
import { Submitter } from "./submitter.ts";
import { Vandal } from "./vandal.ts";
import type { Deviation, NetworkWorld } from "./world.ts";

/** How a run is set up; whatever is left out follows from the seed. */
export interface NetworkOptions {
  readonly seed: number;
  readonly validators?: number;
  readonly encoders?: number;
  /** Virtual milliseconds with faults, before everything heals. */
  readonly chaosMs?: number;
  readonly deviation?: Deviation;
}

/** What became of a run. */
export interface NetworkResult {
  readonly seed: number;
  readonly verdict: SimVerdict;
  readonly coverage: NetworkCoverage;
  readonly commits: number;
  readonly events: number;
  /** Names everything that happened, in order: equal runs have equal digests. */
  readonly trace: string;
  readonly virtualMs: number;
  /** For a run that failed: verdict, the command that repeats it, and the last events. */
  readonly failure: string;
}

const START_MS = 1_000_000;
/** After healing: commits that each honest validator must gain, and the virtual time in which all must be well. */
const COMMITS_AFTER_HEALING = 20;
const HEALED_MS = 40_000;
const LOOK_MS = 500;

class RecordingJudge extends SimJudge {
  readonly #hash = createHash("sha256");

  override note(line: string): void {
    this.record(line);
    super.note(line);
  }

  record(line: string): void {
    this.#hash.update(`${line}\n`);
  }

  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

/** Runs all real cores of one whole network in virtual time, under the faults that the seed draws. */
export function simulateNetwork(options: NetworkOptions): NetworkResult {
  const rng = new Rng(options.seed);
  const count = options.validators ?? 4;
  // Drawn whether it is given or not, so that a printed command repeats the run that it was printed by.
  const drawn = { chaosMs: rng.between(7_000, 10_000), encoders: rng.pick([6, 8]) };
  const { chaosMs = drawn.chaosMs, encoders: encoderCount = drawn.encoders } = options;
  const jobs = Math.round(chaosMs / 1_500);
  const plan = drawPlan(rng.fork(1), count, encoderCount, jobs);
  const scheduler = new Scheduler(START_MS);
  const judge = new RecordingJudge(() => scheduler.nowMs - START_MS);
  const cast = castOf(count, encoderCount, 3);
  const byAddress = new Map<string, Actor>();
  for (const actor of [...cast.validators, cast.joiner, ...cast.encoders, ...cast.submitters, cast.vandal]) {
    byAddress.set(actor.address, actor);
  }
  const stakes = { validators: plan.validatorStakes, encoders: plan.encoderStakes };
  const file = genesisOf(cast, plan.parameters, stakes, START_MS);
  const info = genesisEpoch(file);
  if (!info.ok) throw new Error(info.code);
  const validators = plan.joins ? [...cast.validators, cast.joiner] : cast.validators;
  const isByzantine = (actor: Actor) => plan.byzantine.has(cast.validators.indexOf(actor));
  const honest = new Set(validators.filter((actor) => !isByzantine(actor)).map(({ address }) => address));
  const honestEncoders = new Set(
    cast.encoders.flatMap(({ address }, i) => (plan.encoderFaults.has(i) ? [] : [address])),
  );
  const conditions = { loss: plan.loss, duplication: plan.duplication };
  const observer = new Observer(judge, honest);
  const coverage = noNetworkCoverage();
  const checked = new CheckedTransactions();
  const auditor = new Auditor({
    judge,
    coverage,
    checked,
    parameters: plan.parameters,
    honestValidators: honest,
    honestEncoders,
    record: (line) => judge.record(`${scheduler.nowMs} ${line}`),
  });
  const world: NetworkWorld = {
    scheduler,
    network: new SimNetwork<SimMessage>(scheduler, rng.fork(2), {
      ...conditions,
      latency: LATENCIES[plan.latency](),
    }),
    links: new SimNetwork<NetworkMessage>(scheduler, rng.fork(3), {
      ...conditions,
      latency: LATENCIES[plan.latency](),
    }),
    judge,
    observer,
    opener: new SharedOpener((epoch) => new BlockOpener(SIM_CHAIN, epoch, simVerifier)),
    genesis: { info: info.value, parameters: plan.parameters },
    ids: validators.map(({ address }) => address),
    file,
    parameters: plan.parameters,
    auditor,
    coverage,
    checked,
    deviation: options.deviation ?? {},
    fault: plan.fault,
    actorOf: (address) => byAddress.get(address)!,
  };
  const vandalised = plan.hasVandal ? rng.below(count) : -1;
  const hosts = validators.map((actor, i) => {
    const skewMs = rng.chance(0.3) ? rng.between(-400, 400) : 0;
    return new NetworkValidator(world, {
      id: actor.address,
      actor,
      clock: new NodeClock(scheduler, skewMs, rng.between(-100, 100)),
      rng: rng.fork(100 + i),
      rules: CONSENSUS_RULES,
      bounds: {
        commitLag: rng.pick([3, 8]),
        commitLagRefusing: 60,
        suspendedPerAuthor: 128,
        roundsAfterClose: 60,
      },
      syncsSignerLog: true,
      forgetsLoss: false,
      strategies: plan.byzantine.get(i) ?? [],
      vandal: i === vandalised ? new Vandal(world, cast.vandal, cast.submitters, rng.fork(4)) : null,
    });
  });
  auditor.begin(hosts[0]!.ledgerHost.ledger);
  const encoders = cast.encoders.map((actor, i) => {
    const host = { actor, rng: rng.fork(200 + i), noise: plan.encoderNoise[i]! };
    const fault = plan.encoderFaults.get(i);
    return fault === undefined ? new EncoderHost(world, host) : new FaultyEncoder(world, host, fault);
  });
  const submitters = cast.submitters.map((actor, i) => new Submitter(world, actor, rng.fork(300 + i)));
  judge.note(
    `seed ${options.seed}: ${count} validators, ${encoderCount} encoders, ${plan.latency}, Byzantine ${[...plan.byzantine].map(([i, s]) => `${world.ids[i]!.slice(0, 6)} (${s})`)}, encoder faults ${[...plan.encoderFaults].map(([i, fault]) => `${cast.encoders[i]!.address.slice(0, 6)} ${fault}`)}, jobs ${plan.jobs}`,
  );
  for (const host of [...hosts, ...encoders, ...submitters])
    scheduler.after(rng.between(0, 60), () => host.start());
  const stage = { world, hosts, encoders, submitters, cast, plan, chaosMs, startMs: START_MS };
  scheduleLife(stage, rng.fork(5));
  scheduleFaults(stage, rng.fork(6));
  scheduleTakeovers(stage, rng.fork(7));
  new OverrideDesk(world, hosts, rng.fork(8));

  const runUntil = (endMs: number) => {
    try {
      scheduler.runUntil(endMs, () => judge.hasFailed);
    } catch (error) {
      // Cores are total: whatever comes in, they refuse it.
      judge.diverged(`thrown: ${error instanceof Error ? error.stack : String(error)}`);
    }
  };
  runUntil(START_MS + chaosMs);
  const healed = observer.height;
  for (const network of [world.network, world.links]) {
    network.heal();
    Object.assign(network.conditions, { latency: LATENCIES.lan(), loss: 0, duplication: 0 });
  }
  for (const host of [...hosts, ...encoders]) host.start();
  judge.note("all heals");
  const ill = () => unwell(hosts, honest, healed + COMMITS_AFTER_HEALING, auditor);
  for (let ms = LOOK_MS; ms <= HEALED_MS && !judge.hasFailed; ms += LOOK_MS) {
    runUntil(START_MS + chaosMs + ms);
    if (ill() === null) break;
  }
  const reason = ill();
  if (reason !== null) judge.stalled(reason);
  for (const host of hosts) {
    host.collectCounters();
    coverage.badShares += host.certifier.badShares;
  }
  for (const [name, value] of Object.entries(observer.coverage))
    coverage[name as keyof NetworkCoverage] += value;
  const command = `npm run sim -- --seed ${options.seed} --validators ${count} --encoders ${encoderCount} --minutes ${chaosMs / 60_000}`;
  return {
    seed: options.seed,
    verdict: judge.verdict,
    coverage,
    commits: observer.height,
    events: scheduler.executed,
    trace: judge.digest(),
    virtualMs: scheduler.nowMs - START_MS,
    failure: describeFailure(judge.verdict, command, judge.trace()),
  };
}

/** What is still wrong in a network that has healed, or null. */
function unwell(
  hosts: readonly NetworkValidator[],
  honest: ReadonlySet<string>,
  height: number,
  auditor: Auditor,
): string | null {
  for (const host of hosts) {
    if (!honest.has(host.id)) continue;
    const name = host.id.slice(0, 6);
    if (host.height < height) return `${name} is at commit ${host.height}, not ${height}`;
    if (host.halt !== null) return `${name} is halted at commit ${host.halt.commit}`;
    const isMember = auditor.epoch.committee.some(({ validator }) => validator === host.id);
    if (isMember && host.state !== null && !host.state.isSigning) return `${name} does not sign`;
    const { length } = host.ledgerHost.checkpoints;
    const [pending] = host.certifier.pending(host.ledgerHost.checkpoints);
    if (pending !== undefined && Number(pending.checkpoint.sequence) < length - 12) {
      return `${name} has no certificate ${pending.checkpoint.sequence} of ${length}`;
    }
  }
  return auditor.openJobs > 0 ? `${auditor.openJobs} jobs are open` : null;
}
