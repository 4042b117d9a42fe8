import { SomaError } from "@soma/base";
import {
  MempoolReplica,
  partitionOfTransaction,
  SUBMISSION_LIMITS,
  type Submission,
  SubmitTransactions,
} from "@soma/contracts";
import { MAX_TRANSACTION_BYTES } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { sampledTraceparent, type Traceparent, within } from "@soma/telemetry";
import { ASKED } from "./context.ts";

/** Messages to one replica that are under way at once: while they are, what comes is collected for the next. */
const IN_FLIGHT = 2;
/** Transactions whose first has waited so long say that the mempool cannot keep up: more are put off. */
const PATIENCE_MS = 1_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly partition: number;
  readonly sinceMs: number;
  readonly traceparent: Traceparent | undefined;
  readonly resolve: (submission: Submission) => void;
  readonly reject: (error: unknown) => void;
}

/** What waits for one replica. */
interface Lane {
  readonly waiting: Waiting[];
  inFlight: number;
}

/**
 * Hands transactions to the mempool: those that come in the same moment, of whatever requests, in one message to each of
 * its replicas.
 */
export class Submissions {
  readonly #bus: Bus;
  readonly #maxWaiting: number;
  readonly #lanes = new Map<string, Lane>();
  /** Which replica said that it has a partition. It may have changed: then the transactions come back. */
  readonly #owners = new Map<number, string>();
  #waiting = 0;
  #waitingBytes = 0;

  private constructor(bus: Bus, maxWaiting: number) {
    this.#bus = bus;
    this.#maxWaiting = maxWaiting;
  }

  /** @param maxWaiting transactions that may wait for the mempool's answer at once */
  static async open(bus: Bus, maxWaiting: number): Promise<Submissions> {
    const submissions = new Submissions(bus, maxWaiting);
    await bus.subscribe(MempoolReplica, {}, ({ replica, partitions }) =>
      submissions.#heard(replica, partitions),
    );
    return submissions;
  }

  /**
   * The mempool's answer to each, in their order. One that could not be asked for rejects on its own: with
   * MEMPOOL_MALFORMED if it is too large, GATEWAY_BUSY if it would wait too long, REQUEST_* if the mempool is away.
   */
  submit(transactions: readonly Uint8Array[]): Promise<Submission>[] {
    const sinceMs = performance.now();
    const traceparent = sampledTraceparent();
    return transactions.map(
      (bytes) =>
        new Promise((resolve, reject) => {
          const partition = partitionOfTransaction(bytes);
          const to = this.#owners.get(partition) ?? `partition ${partition}`;
          const first = this.#lanes.get(to)?.waiting[0];
          const isLate = first !== undefined && sinceMs - first.sinceMs > PATIENCE_MS;
          const isFull =
            this.#waiting >= this.#maxWaiting || this.#waitingBytes + bytes.length > MAX_WAITING_BYTES;
          if (bytes.length > MAX_TRANSACTION_BYTES) {
            const detail = `a transaction has at most ${MAX_TRANSACTION_BYTES} bytes`;
            reject(new SomaError("MEMPOOL_MALFORMED", detail));
          } else if (isLate || isFull)
            reject(new SomaError("GATEWAY_BUSY", "more comes than the mempool takes"));
          else this.#enqueue(to, { bytes, partition, sinceMs, traceparent, resolve, reject });
        }),
    );
  }

  #heard(replica: string, partitions: readonly number[]): void {
    for (const [partition, owner] of this.#owners) if (owner === replica) this.#owners.delete(partition);
    for (const partition of partitions) this.#owners.set(partition, replica);
  }

  #enqueue(to: string, waiting: Waiting): void {
    let lane = this.#lanes.get(to);
    if (lane === undefined) {
      lane = { waiting: [], inFlight: 0 };
      this.#lanes.set(to, lane);
    }
    lane.waiting.push(waiting);
    this.#waiting += 1;
    this.#waitingBytes += waiting.bytes.length;
    // What else comes in this turn of the event loop goes with it.
    if (lane.waiting.length === 1) setImmediate(() => this.#pump(to, lane));
  }

  #pump(to: string, lane: Lane): void {
    while (lane.inFlight < IN_FLIGHT && lane.waiting.length > 0) {
      const batch = takeBatch(lane.waiting);
      lane.inFlight += 1;
      within(batch[0]!.traceparent, () => this.#send(batch))
        .catch((error: unknown) => {
          for (const { reject } of batch) reject(error);
        })
        .finally(() => {
          lane.inFlight -= 1;
          for (const { bytes } of batch) this.#waitingBytes -= bytes.length;
          this.#waiting -= batch.length;
          this.#pump(to, lane);
        });
    }
    if (lane.inFlight === 0 && this.#lanes.get(to) === lane) this.#lanes.delete(to);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const answered = await this.#bus.request(
      SubmitTransactions,
      { partition: batch[0]!.partition },
      batch.map(({ bytes }) => bytes),
      ASKED,
    );
    for (const [i, waiting] of batch.entries()) {
      if (!answered.ok) {
        waiting.reject(new SomaError(answered.code, answered.message));
        continue;
      }
      const answer = answered.value[i];
      if (answer === undefined) {
        waiting.reject(new SomaError("REQUEST_FAILED", "the mempool left a transaction without an answer"));
      } else if (answer.Refused?.code !== "MEMPOOL_ELSEWHERE") waiting.resolve(answer);
      else {
        this.#owners.delete(waiting.partition);
        this.#enqueue(`partition ${waiting.partition}`, waiting);
      }
    }
  }
}

/** The first ones, as many as one message takes. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const each of waiting) {
    if (
      count === SUBMISSION_LIMITS.transactions ||
      (count > 0 && bytes + each.bytes.length > SUBMISSION_LIMITS.bytes)
    ) {
      break;
    }
    bytes += each.bytes.length;
    count += 1;
  }
  return waiting.splice(0, count);
}
