import { randomBytes } from "node:crypto";
import { err, ok, type Result, SomaError } from "@soma/base";
import {
  CommitExecuted,
  EpochOpened,
  GetAdmission,
  GetEpoch,
  MEMPOOL_PARTITIONS,
  MempoolReplica,
  partitionOfSender,
  partitionOfTransaction,
  type Reply,
  SUBMISSION_LIMITS,
  SubmitTransactions,
  TakeBatch,
} from "@soma/contracts";
import { loadGenesis } from "@soma/identity";
import { defineService, HEADER, steadyNow } from "@soma/runtime";
import { encodeTraces, TraceBook } from "@soma/telemetry";
import { type Admitted, DEFAULT_LIMITS, DEPARTURES, TransactionPool } from "../core/index.ts";
import { Accounts } from "./accounts.ts";
import { Admissions } from "./admission.ts";
import { MempoolConfig } from "./config.ts";
import { mempoolMetrics } from "./metrics.ts";
import { PartitionKeeper } from "./partition-keeper.ts";
import { reconcile } from "./reconcile.ts";
import { Replicas } from "./replicas.ts";
import { type MempoolTables, MIGRATIONS } from "./schema.ts";
import { Signatures } from "./signatures.ts";
import { MempoolStore } from "./store.ts";

/** Messages of one partition; sixteen of them make what one process takes at once. */
const SUBMISSIONS = { concurrency: 8, maxWaiting: 32 };
const PRUNE_EVERY_MS = 60_000;
/** Consensus that was given something, or told of it, asks within this time, unless it is away or has no room. */
const ASKS_AGAIN_WITHIN_MS = 250;
/** How often the pool's gauges are set. */
const MEASURE_EVERY_MS = 250;

const ELSEWHERE: Admitted = err("MEMPOOL_ELSEWHERE", "its sender is of another replica");

/** Where transactions enter: checked, kept until a commit carries them, given to consensus in batches. */
export const service = defineService<MempoolTables>()({
  name: "mempool",
  config: MempoolConfig,
  migrations: MIGRATIONS,
  async open({ config, bus, database, telemetry, recovering, defer, fail }) {
    recovering();
    const { chainId } = loadGenesis(config.genesis);
    const { log } = telemetry;
    const replica = randomBytes(8).toString("hex");
    const metrics = mempoolMetrics(telemetry);
    const signatures = await Signatures.open(config.verifyWorkers);
    defer(() => signatures.close());
    const onError = (error: unknown) => log.warn({ error: String(error) }, "mempool side task failed");

    const epoch = await bus.request(GetEpoch, {}, { epoch: null }, { timeoutMs: 60_000 });
    if (!epoch.ok) throw new SomaError(epoch.code, `state did not tell the epoch: ${epoch.message}`);
    const pool = new TransactionPool(
      {
        transactions: config.transactions,
        bytes: config.bytes,
        senderTransactions: config.senderTransactions,
        senderBytes: config.senderBytes,
        sequenceWindow: BigInt(config.senderTransactions),
        queueMs: BigInt(config.queueWait),
        queueTransactions: DEFAULT_LIMITS.queueTransactions,
        leaseMs: BigInt(config.lease),
      },
      epoch.value?.epoch ?? 0n,
      epoch.value?.baseFee ?? 0n,
    );
    const store = new MempoolStore(database, replica, (digest) => pool.has(digest));
    // Which trace each waiting transaction belongs to: batches carry it on in a header, blocks never.
    const traces = new TraceBook();
    const measure = () => {
      metrics.waiting.set(pool.size);
      metrics.bytes.set(pool.bytes);
      metrics.senders.set(pool.senders);
      metrics.minimumTip.set(Number(pool.tipFloor));
    };
    const accounts = new Accounts(bus);
    const admissions = new Admissions({
      chainId,
      pool,
      store,
      accounts,
      signatures,
      traces,
      metrics,
      log,
    });

    let keeper: PartitionKeeper | undefined;
    const announce = async (partitions: readonly number[]): Promise<void> => {
      await bus.publish(MempoolReplica, {}, { replica, partitions: [...partitions], waiting: pool.size });
    };
    // Consensus asks no more once it was given nothing, so that it is told when something waits again.
    let asksUntilMs = 0;
    const mayGive = (): void => {
      if (keeper === undefined || pool.size === 0 || performance.now() < asksUntilMs) return;
      asksUntilMs = performance.now() + ASKS_AGAIN_WITHIN_MS;
      announce(keeper.served).catch(onError);
    };
    const submit = async (
      batch: readonly Uint8Array[],
      partition: number,
    ): Promise<Result<Reply<typeof SubmitTransactions>>> => {
      if (batch.length > SUBMISSION_LIMITS.transactions) {
        return err("MESSAGE_INVALID", `at most ${SUBMISSION_LIMITS.transactions} transactions at once`);
      }
      // The sender thought that they are all of this replica.
      const isHere = batch.map((bytes) => {
        const of = partitionOfTransaction(bytes);
        return of === partition || keeper?.has(of) === true;
      });
      const admitted = await admissions.submit(batch.filter((_, i) => isHere[i]));
      mayGive();
      if (!admitted.ok) return admitted;
      const outcomes = new Map<string, number>();
      let next = 0;
      const answers = batch.map((_, i) => {
        const answer = isHere[i] ? admitted.value[next++]! : ELSEWHERE;
        const outcome = answer.ok ? "admitted" : answer.code;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        return submissionOf(answer);
      });
      for (const [outcome, count] of outcomes) metrics.submitted.add(count, { outcome });
      return ok(answers);
    };

    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      if (transactions.length === 0) return;
      const gone = pool.executed(transactions);
      accounts.changed(transactions.map(({ sender }) => sender));
      // What waited for a sequence number that came by another validator is next now.
      mayGive();
      if (gone.length === 0) return;
      const executed = new Set(transactions.map(({ digest }) => digest));
      traces.forget(gone);
      store.executed(gone.filter((digest) => executed.has(digest)));
      const used = gone.filter((digest) => !executed.has(digest));
      store.depart(used.map((digest) => ({ digest, reason: "sequence-used", by: null }))).catch(onError);
      metrics.departed.add(used.length, { reason: "sequence-used" });
    });
    await bus.subscribe(EpochOpened, {}, (info) => {
      const expired = pool.openEpoch(info.epoch, info.baseFee);
      store.depart(expired.map((digest) => ({ digest, reason: "expired", by: null }))).catch(onError);
      metrics.departed.add(expired.length, { reason: "expired" });
    });

    await bus.respond(TakeBatch, { replica }, ({ maxTransactions, maxBytes }, { setAnswerHeader }) => {
      const taken = pool.take(maxTransactions, maxBytes, BigInt(steadyNow()));
      metrics.taken.add(taken.length);
      asksUntilMs = taken.length === 0 ? 0 : performance.now() + ASKS_AGAIN_WITHIN_MS;
      const traced = traces.of(taken.map(({ digest }) => digest));
      if (traced.size > 0) setAnswerHeader(HEADER.traces, encodeTraces(traced));
      return ok(taken.map(({ bytes }) => bytes));
    });
    // Whoever has it in memory says so; why one left is in the database, so that any replica may answer.
    await bus.respond(GetAdmission, {}, async ({ digest }) => {
      const waits = { status: "waiting", reason: null, explanation: null, by: null } as const;
      if (pool.has(digest)) return ok(waits);
      const departure = await store.departure(digest);
      if (departure !== undefined) {
        const { reason, by } = departure;
        return ok({ status: "departed", reason, explanation: DEPARTURES[reason], by });
      }
      // What waits is all here where all partitions are.
      const isElsewhere =
        keeper?.served.length !== MEMPOOL_PARTITIONS && (await store.isStoredElsewhere(digest));
      return ok(isElsewhere ? waits : { ...waits, status: "unknown" });
    });

    const replicas = await Replicas.open(database, replica, config.replicaTimeout);
    replicas.lost.then(fail);
    keeper = await PartitionKeeper.open({
      replicas,
      heartbeatMs: config.heartbeat,
      log,
      load: async (partitions) => admissions.restore(await store.unknownIn(partitions)),
      serve: (partition) =>
        bus.respond(SubmitTransactions, { partition }, (batch) => submit(batch, partition), SUBMISSIONS),
      forget: (partitions) => {
        pool.release((sender) => partitions.has(partitionOfSender(sender)));
        store.forget(partitions);
      },
      announce: async (partitions) => {
        metrics.partitions.set(partitions.length);
        await announce(partitions);
      },
      counted: (count) => metrics.replicas.set(count),
    });
    const kept = keeper;
    defer(async () => {
      await kept.close();
      await store.close();
    });
    // A replica that is new here, or has given something away: whoever has too much or too little sees to it at once.
    const parts = new Map<string, string>();
    await bus.subscribe(MempoolReplica, {}, ({ replica: other, partitions }) => {
      const part = partitions.join();
      if (other === replica || parts.get(other) === part) return;
      if (partitions.length === 0) parts.delete(other);
      else parts.set(other, part);
      kept.wake();
    });

    const reconciling = setInterval(() => {
      reconcile(
        { bus, pool, store, accounts, admissions, metrics },
        config.reconcileInterval,
        () => kept.served,
      ).catch(onError);
    }, config.reconcileInterval);
    defer(() => clearInterval(reconciling));
    const measuring = setInterval(measure, MEASURE_EVERY_MS);
    defer(() => clearInterval(measuring));
    const pruning = setInterval(() => {
      store.pruneDeparted(new Date(Date.now() - config.departureAge)).catch(onError);
    }, PRUNE_EVERY_MS);
    defer(() => clearInterval(pruning));
    return {
      health: () => ({ ok: true, detail: { waiting: pool.size, partitions: kept.served.length } }),
    };
  },
});

function submissionOf(answer: Admitted): Reply<typeof SubmitTransactions>[number] {
  if (answer.ok) {
    const { digest, known } = answer.value;
    return { $kind: "Admitted", Admitted: { digest, known } };
  }
  const { code, message, minimumTip = null } = answer;
  return { $kind: "Refused", Refused: { code, message, minimumTip } };
}
