import { cpuSeconds } from "./support/cpu-time.ts";
import { Executions } from "./support/executions.ts";
import { BenchNetwork } from "./support/network.ts";
import { signatureBound } from "./support/signature-bound.ts";
import { percentile } from "./support/statistics.ts";
import { type SignedTransfer, Submitter, signTransfers } from "./support/transfers.ts";

const BASE_PORT = 8100;
const VALIDATORS = 4;
const SENDERS = 256;
/** Transfers of one account on their way at once, below the mempool's bound for a sender. */
const WINDOW = 32;
/** Of each measurement, milliseconds: before it, and its own. */
const WARM_MS = 5_000;
const REST_RATE = 5;
/** Each validator must check each transaction itself: the least number of checks. */
const COPIES = VALIDATORS;

export interface TransfersResult {
  readonly signatureChecks: number;
  readonly bound: number;
  readonly saturation: number;
  readonly ratio: number;
  readonly rest: { readonly p50: number; readonly p99: number };
  readonly loaded: { readonly rate: number; readonly p50: number; readonly p99: number };
  readonly refusals: Record<string, number>;
  /** Processor time of all processes for one transfer at saturation, ms, by what they are; empty but on Linux. */
  readonly processorMs: Record<string, number>;
  /** Longest block of each process's main thread at saturation, ms by the clock, waiting for a core included. */
  readonly eventLoopMs: Record<string, number>;
  /** Longest processor time of each main thread between two turns of a timer at saturation, ms. */
  readonly eventLoopWorkMs: Record<string, number>;
}

/** One account's transfers, in order. */
class Sender {
  readonly #transfers: readonly SignedTransfer[];
  readonly #gateway: number;
  #next = 0;

  constructor(transfers: readonly SignedTransfer[], gateway: number) {
    this.#transfers = transfers;
    this.#gateway = gateway;
  }

  /** Hands in the next transfer; resolves when it was executed. False when none is left. */
  async send(submitter: Submitter, executions: Executions): Promise<boolean> {
    const transfer = this.#transfers[this.#next++];
    if (transfer === undefined) return false;
    const executed = executions.expect(transfer.digest);
    for (;;) {
      const retryMs = await submitter.submit(this.#gateway, transfer.bytes);
      if (retryMs === undefined) break;
      await pause(retryMs);
    }
    await executed;
    return true;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps every account's window full until told to stop. */
async function saturate(
  senders: readonly Sender[],
  submitter: Submitter,
  executions: Executions,
  stop: AbortSignal,
): Promise<void> {
  const loop = async (sender: Sender) => {
    while (!stop.aborted)
      if (!(await sender.send(submitter, executions))) throw new Error("too few transfers");
  };
  await Promise.all(senders.flatMap((sender) => Array.from({ length: WINDOW }, () => loop(sender))));
}

/** Hands in at a steady rate, whatever the answers: an open loop, so that a stall is seen in full. */
async function steadily(
  senders: readonly Sender[],
  submitter: Submitter,
  executions: Executions,
  perSecond: number,
  forMs: number,
): Promise<void> {
  const began = performance.now();
  const sent: Promise<boolean>[] = [];
  for (let n = 0; performance.now() - began < forMs; ) {
    const due = Math.floor(((performance.now() - began) * perSecond) / 1000);
    for (; n < due; n++) sent.push(senders[n % senders.length]!.send(submitter, executions));
    await pause(Math.min(20, 1000 / perSecond));
  }
  await Promise.all(sent);
}

/** How long the main thread of each process was blocked since the last call, at the most. */
async function longestBlocks(
  network: BenchNetwork,
): Promise<Pick<TransfersResult, "eventLoopMs" | "eventLoopWorkMs">> {
  const [delay, work] = ["nodejs_eventloop_delay_max", "nodejs_eventloop_work_max"] as const;
  const found = await network.metrics([delay, work]);
  const longest = (family: string) =>
    Object.fromEntries(
      [...found.get(family)!].map(([name, samples]) => [
        name,
        Math.round(Math.max(0, ...samples.values()) * 1000),
      ]),
    );
  return { eventLoopMs: longest(delay), eventLoopWorkMs: longest(work) };
}

/** Finalised transfers at saturation, and finality at rest and at 70 % of it, beside raw signature checks. */
export async function benchTransfers(
  say: (text: string) => void,
  { seconds }: { readonly seconds: number },
): Promise<TransfersResult> {
  const measureMs = 1000 * seconds;
  const signatureChecks = await signatureBound();
  const bound = signatureChecks / COPIES;
  say(`${Math.round(signatureChecks)} signature checks a second on all cores; bound ${Math.round(bound)}`);
  const network = await BenchNetwork.open({
    validators: VALIDATORS,
    encoders: 0,
    senders: SENDERS,
    basePort: BASE_PORT,
    processes: "operator",
    // One epoch for the whole run.
    parameters: { epochLength: 3_600_000n },
  });
  const submitter = new Submitter(network.gateways);
  try {
    const bus = await network.busOf("v0");
    const executions = await Executions.open(bus);
    const count = Math.ceil(((WARM_MS + 2 * measureMs) / 1000) * (bound / SENDERS)) + 2 * WINDOW;
    say(`signing ${count * SENDERS} transfers of ${SENDERS} accounts`);
    const senders = network.senders.map(
      (account, i) => new Sender(signTransfers(account, network.genesis.chainId, 0n, count), i),
    );

    say("at rest");
    await steadily(senders, submitter, executions, REST_RATE, WARM_MS);
    executions.reset();
    await steadily(senders, submitter, executions, REST_RATE, measureMs);
    const rest = latencyOf(executions);

    say("at saturation");
    const stop = new AbortController();
    const saturating = saturate(senders, submitter, executions, stop.signal);
    await Promise.race([pause(WARM_MS), saturating]);
    await longestBlocks(network);
    submitter.refusals.clear();
    executions.reset();
    const [began, took] = [performance.now(), cpuByPart()];
    await Promise.race([pause(measureMs), saturating]);
    const { executed } = executions;
    const saturation = (executed * 1000) / (performance.now() - began);
    const processorMs = cpuEachMs(took, cpuByPart(), executed);
    const blocks = await longestBlocks(network);
    const refusals = Object.fromEntries(submitter.refusals);
    stop.abort();
    await saturating;

    const rate = 0.7 * saturation;
    say(`${saturation.toFixed(0)} a second; at 70 % of it`);
    await steadily(senders, submitter, executions, rate, WARM_MS);
    executions.reset();
    await steadily(senders, submitter, executions, rate, measureMs);
    const loaded = { rate, ...latencyOf(executions) };
    await bus.close();
    return {
      signatureChecks,
      bound,
      saturation,
      ratio: saturation / bound,
      rest,
      loaded,
      refusals,
      processorMs,
      ...blocks,
    };
  } finally {
    await submitter.close();
    await network.close();
  }
}

function latencyOf({ latencies }: Executions): { p50: number; p99: number } {
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

/** Seconds of CPU so far, by what took them; `signatures` is the validators' worker threads. */
function cpuByPart(): Map<string, number> {
  return cpuSeconds(({ pid, command }, thread) => {
    if (pid === process.pid) return "bench";
    if (command.startsWith("nats")) return "nats";
    if (command.startsWith("postgres")) return "postgres";
    // Node's name for a thread that was given none.
    return thread === "WorkerThread" ? "signatures" : "validators";
  });
}

/** What each of `count` took, in milliseconds. */
function cpuEachMs(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  count: number,
): Record<string, number> {
  const each = (part: string) => (1000 * ((after.get(part) ?? 0) - (before.get(part) ?? 0))) / count;
  return Object.fromEntries([...after.keys()].map((part) => [part, Math.round(1000 * each(part)) / 1000]));
}
