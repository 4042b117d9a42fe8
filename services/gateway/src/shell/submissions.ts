import { SomaError } from "@soma/base";
import {
  MempoolReplica,
  partitionOfTransaction,
  SUBMISSION_LIMITS,
  type Submission,
  SubmitTransactions,
} from "@soma/contracts";
import { signatureCost } from "@soma/crypto";
import { MAX_TRANSACTION_BYTES, openSignedTransaction, requiredSignatures } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { sampledTraceparent, type Traceparent, within } from "@soma/telemetry";
import { ASKED } from "./context.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { Quotas } from "./quotas.ts";

export interface SubmissionsOptions {
  readonly bus: Bus;
  /** Transactions that may wait for the mempool's answer at once. */
  readonly maxWaiting: number;
  readonly quotas: Quotas;
  readonly metrics: GatewayMetrics;
}

/** Messages to one replica that are under way at once: while they are, what comes is collected for the next. */
const IN_FLIGHT = 2;
/** A client's transactions whose first has waited so long say that the mempool cannot keep up: more are put off. */
const PATIENCE_MS = 1_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Refusals that cost the mempool a check of the signatures first, and whoever sends them nothing. */
const VAIN: ReadonlySet<string> = new Set([
  "MEMPOOL_SIGNATURE",
  "MEMPOOL_ACCOUNT",
  "MEMPOOL_BALANCE",
  "MEMPOOL_SEQUENCE_STALE",
]);
/** Stands for all clients that are not counted. */
const UNCOUNTED = "";

interface Waiting {
  readonly bytes: Uint8Array;
  readonly client: string;
  readonly partition: number;
  readonly sinceMs: number;
  readonly traceparent: Traceparent | undefined;
  readonly resolve: (submission: Submission) => void;
  readonly reject: (error: unknown) => void;
}

/** What waits for one replica. */
interface Lane {
  /** By client, in the order of their turns. None is empty. */
  readonly queues: Map<string, Waiting[]>;
  inFlight: number;
}

/** What a client has in here, under way included. */
interface Held {
  transactions: number;
  bytes: number;
}

/**
 * Hands transactions to the mempool: those that come in the same moment, of whatever requests, in one message to each of
 * its replicas. Clients take turns, so that none waits behind another's many; and whoever had too many signatures
 * checked in vain is refused before more are.
 */
export class Submissions {
  readonly #bus: Bus;
  readonly #maxWaiting: number;
  readonly #quotas: Quotas;
  readonly #metrics: GatewayMetrics;
  readonly #lanes = new Map<string, Lane>();
  /** Which replica said that it has a partition. It may have changed: then the transactions come back. */
  readonly #owners = new Map<number, string>();
  readonly #held = new Map<string, Held>();
  readonly #all: Held = { transactions: 0, bytes: 0 };

  private constructor({ bus, maxWaiting, quotas, metrics }: SubmissionsOptions) {
    this.#bus = bus;
    this.#maxWaiting = maxWaiting;
    this.#quotas = quotas;
    this.#metrics = metrics;
  }

  static async open(options: SubmissionsOptions): Promise<Submissions> {
    const submissions = new Submissions(options);
    await options.bus.subscribe(MempoolReplica, {}, ({ replica, partitions }) =>
      submissions.#heard(replica, partitions),
    );
    return submissions;
  }

  /**
   * The mempool's answer to each, in their order. One that could not be asked for rejects on its own: with
   * MEMPOOL_MALFORMED if it is too large, GATEWAY_BUSY if it would wait too long, GATEWAY_QUOTA_SIGNATURES if its client's
   * checks ran out while it waited, REQUEST_* if the mempool is away.
   * @param client undefined if it is not counted
   * @throws SomaError GATEWAY_QUOTA_SIGNATURES
   */
  async submit(
    transactions: readonly Uint8Array[],
    client: string | undefined,
  ): Promise<PromiseSettledResult<Submission>[]> {
    await this.#quotas.assertLeft("vainChecks", client);
    const sinceMs = performance.now();
    const traceparent = sampledTraceparent();
    return await Promise.allSettled(
      transactions.map(
        (bytes) =>
          new Promise<Submission>((resolve, reject) => {
            const partition = partitionOfTransaction(bytes);
            const to = this.#owners.get(partition) ?? `partition ${partition}`;
            const sender = client ?? UNCOUNTED;
            const first = this.#lanes.get(to)?.queues.get(sender)?.[0];
            const isLate = first !== undefined && sinceMs - first.sinceMs > PATIENCE_MS;
            if (bytes.length > MAX_TRANSACTION_BYTES) {
              const detail = `a transaction has at most ${MAX_TRANSACTION_BYTES} bytes`;
              reject(new SomaError("MEMPOOL_MALFORMED", detail));
            } else if (isLate || !this.#hasRoom(sender, bytes.length))
              reject(new SomaError("GATEWAY_BUSY", "more comes than the mempool takes"));
            else
              this.#enqueue(to, { bytes, client: sender, partition, sinceMs, traceparent, resolve, reject });
          }),
      ),
    );
  }

  /** A client has no more than it leaves to the others: one alone half, two a third each. */
  #hasRoom(client: string, size: number): boolean {
    const free = this.#maxWaiting - this.#all.transactions;
    const freeBytes = MAX_WAITING_BYTES - this.#all.bytes;
    const own = client === UNCOUNTED ? undefined : this.#held.get(client);
    return (own?.transactions ?? 0) < free && (own?.bytes ?? 0) + size <= freeBytes;
  }

  #heard(replica: string, partitions: readonly number[]): void {
    for (const [partition, owner] of this.#owners) if (owner === replica) this.#owners.delete(partition);
    for (const partition of partitions) this.#owners.set(partition, replica);
  }

  #enqueue(to: string, waiting: Waiting): void {
    let lane = this.#lanes.get(to);
    if (lane === undefined) {
      lane = { queues: new Map(), inFlight: 0 };
      this.#lanes.set(to, lane);
    }
    const { queues } = lane;
    // What else comes in this turn of the event loop goes with it.
    if (queues.size === 0) setImmediate(() => this.#pump(to, lane));
    const queue = queues.get(waiting.client);
    if (queue === undefined) queues.set(waiting.client, [waiting]);
    else queue.push(waiting);
    const held = this.#held.get(waiting.client) ?? { transactions: 0, bytes: 0 };
    this.#held.set(waiting.client, held);
    for (const sum of [held, this.#all]) {
      sum.transactions += 1;
      sum.bytes += waiting.bytes.length;
    }
  }

  #release(some: readonly Waiting[]): void {
    for (const { client, bytes } of some) {
      const held = this.#held.get(client)!;
      for (const sum of [held, this.#all]) {
        sum.transactions -= 1;
        sum.bytes -= bytes.length;
      }
      if (held.transactions === 0) this.#held.delete(client);
    }
  }

  #pump(to: string, lane: Lane): void {
    while (lane.inFlight < IN_FLIGHT && lane.queues.size > 0) {
      const batch = takeBatch(lane.queues);
      lane.inFlight += 1;
      within(batch[0]!.traceparent, () => this.#send(batch))
        .catch((error: unknown) => {
          for (const { reject } of batch) reject(error);
        })
        .finally(() => {
          lane.inFlight -= 1;
          this.#release(batch);
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
    if (answered.ok) await this.#charge(batch, answered.value);
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

  /** Counts what was checked in vain; what else waits of whoever has no more to waste is refused unchecked. */
  async #charge(batch: readonly Waiting[], answers: readonly Submission[]): Promise<void> {
    const vain = new Map<string, number>();
    for (const [i, { client, bytes }] of batch.entries()) {
      const code = answers[i]?.Refused?.code;
      if (code === undefined || !VAIN.has(code)) continue;
      const checks = checksOf(bytes);
      this.#metrics.vainChecks.add(checks, { code });
      if (client !== UNCOUNTED) vain.set(client, (vain.get(client) ?? 0) + checks);
    }
    for (const [client, checks] of vain) {
      const refusal = await this.#quotas.charge("vainChecks", client, checks);
      if (refusal !== undefined) this.#refuse(client, refusal);
    }
  }

  #refuse(client: string, refusal: SomaError): void {
    for (const { queues } of this.#lanes.values()) {
      const queue = queues.get(client) ?? [];
      queues.delete(client);
      this.#release(queue);
      for (const { reject } of queue) reject(refusal);
    }
  }
}

/** What a transaction's signatures cost to check, in Ed25519 checks; at least one. */
function checksOf(bytes: Uint8Array): number {
  const opened = openSignedTransaction(bytes);
  if (!opened.ok) return 1;
  const required = requiredSignatures(opened.value.signed, opened.value.signingBytes);
  return required.ok ? signatureCost(required.value) : 1;
}

/** As many as one message takes, one of each client in turn; each one's in the order in which they came. */
function takeBatch(queues: Map<string, Waiting[]>): Waiting[] {
  const batch: Waiting[] = [];
  let bytes = 0;
  // Whoever had its turn goes behind the others, where this comes by again.
  for (const [client, queue] of queues) {
    const next = queue[0]!;
    const isFull = batch.length > 0 && bytes + next.bytes.length > SUBMISSION_LIMITS.bytes;
    if (batch.length === SUBMISSION_LIMITS.transactions || isFull) break;
    queue.shift();
    batch.push(next);
    bytes += next.bytes.length;
    queues.delete(client);
    if (queue.length > 0) queues.set(client, queue);
  }
  return batch;
}
