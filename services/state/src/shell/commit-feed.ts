import { accept } from "@soma/actor";
import { CommitDecided, ReplayCommits } from "@soma/contracts";
import type { SignaturePool } from "@soma/crypto/native";
import { type Bus, HEADER, sleep, Turns } from "@soma/runtime";
import { decodeTraces, type Logger, sampledTraceparent } from "@soma/telemetry";
import type { CommitAssembler } from "./commit-assembler.ts";
import type { CommitQueue } from "./commit-queue.ts";
import type { StateMetrics } from "./metrics.ts";
import { checkSignatures } from "./signatures.ts";

export interface CommitFeedOptions {
  readonly chainId: string;
  readonly bus: Bus;
  readonly pool: SignaturePool;
  readonly assembler: CommitAssembler;
  readonly queue: CommitQueue;
  readonly metrics: StateMetrics;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const WATCH_EVERY_MS = 50;
/** A gap is usually a message on its way; silence is usually a quiet network. */
const GAP_MS = 200;
const SILENCE_MS = 3_000;
const LONGEST_PAUSE_MS = 30_000;
const REPLAY_TIMEOUT_MS = 60_000;

/**
 * Brings decided commits to the executor. What is acknowledged may be lost with the process, and the stream may lose
 * more: whatever is missing is asked for by index, at the start too.
 */
export class CommitFeed {
  readonly #options: CommitFeedOptions;

  private constructor(options: CommitFeedOptions) {
    this.#options = options;
  }

  static async open(options: CommitFeedOptions): Promise<CommitFeed> {
    const feed = new CommitFeed(options);
    const { bus, chainId, assembler, queue, pool, metrics } = options;
    const turns = new Turns();
    await bus.consume(CommitDecided, { durable: "state" }, async (part, { header }) => {
      const commit = sampledTraceparent();
      const trace =
        commit === undefined ? undefined : { commit, transactions: decodeTraces(header(HEADER.traces)) };
      const refusal = assembler.offer(part, trace);
      if (refusal !== "") metrics.commitsRefused.add(1, { code: refusal });
      for (const commit of assembler.takeReady()) {
        queue.push(checkSignatures(chainId, pool, turns, commit), commit.transactions.length);
      }
      metrics.waiting.set(queue.length);
      await queue.room();
      return accept;
    });
    // Not waited for at the end: a request in progress ends with the connection.
    void feed.#watch();
    return feed;
  }

  async #watch(): Promise<void> {
    const { assembler, queue, signal, log } = this.#options;
    let next = assembler.next;
    let since = performance.now() - SILENCE_MS + GAP_MS;
    let pause = 0;
    while (!signal.aborted) {
      await sleep(WATCH_EVERY_MS, signal);
      if (signal.aborted) return;
      if (assembler.next !== next || queue.isFull) {
        next = assembler.next;
        since = performance.now();
        pause = 0;
        continue;
      }
      const patience = Math.max(assembler.isBehind ? GAP_MS : SILENCE_MS, pause);
      if (performance.now() - since < patience) continue;
      const republished = await this.#askReplay(next);
      log.debug({ from: String(next), republished }, "asked for commits again");
      since = performance.now();
      pause = Math.min(Math.max(2 * pause, GAP_MS), LONGEST_PAUSE_MS);
    }
  }

  /** How many are on their way; 0 as well when consensus does not answer. */
  async #askReplay(from: bigint): Promise<number> {
    const { bus } = this.#options;
    const answer = await bus
      .request(
        ReplayCommits,
        {},
        { fromIndex: String(from) },
        { timeoutMs: REPLAY_TIMEOUT_MS, failFast: true },
      )
      .catch(() => undefined);
    return answer?.ok === true ? answer.value.republished : 0;
  }
}
