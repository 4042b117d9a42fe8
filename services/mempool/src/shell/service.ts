import { randomBytes } from "node:crypto";
import { ok, type Result, SomaError } from "@soma/base";
import {
  CommitExecuted,
  EpochOpened,
  GetAdmission,
  GetEpoch,
  MempoolReplica,
  partitionOfSender,
  type Reply,
  SubmitTransaction,
  TakeBatch,
} from "@soma/contracts";
import { loadGenesis } from "@soma/identity";
import { defineService, HEADER } from "@soma/runtime";
import { encodeTraces, TraceBook } from "@soma/telemetry";
import { DEPARTURES, TransactionPool } from "../core/index.ts";
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

/** Of one partition; sixteen of them make what one process takes at once. */
const SUBMISSIONS = { concurrency: 64, maxWaiting: 512 };
const PRUNE_EVERY_MS = 60_000;

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
    const store = new MempoolStore(database, replica);
    const signatures = await Signatures.open(chainId, config.verifyWorkers);
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
        leaseMs: BigInt(config.lease),
      },
      epoch.value?.epoch ?? 0n,
      epoch.value?.baseFee ?? 0n,
    );
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

    const submit = async (bytes: Uint8Array): Promise<Result<Reply<typeof SubmitTransaction>>> => {
      const admitted = await admissions.submit(bytes);
      measure();
      metrics.submitted.add(1, { outcome: admitted.ok ? "admitted" : admitted.code });
      if (admitted.ok) {
        const { digest, known } = admitted.value;
        return ok({ accepted: true, digest, known });
      }
      // The pool's own refusals are answers; a service that did not answer is a failure to be tried again.
      if (!admitted.code.startsWith("MEMPOOL_")) return admitted;
      const { code, message, minimumTip = null } = admitted;
      return ok({ accepted: false, code, message, minimumTip });
    };

    let keeper: PartitionKeeper | undefined;
    const isOwn = (sender: string) => keeper?.has(partitionOfSender(sender)) === true;
    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      if (transactions.length === 0) return;
      pool.executed(transactions);
      for (const { sender } of transactions) accounts.changed(sender);
      traces.forget(transactions.map(({ digest }) => digest));
      store.executed(transactions.filter(({ sender }) => isOwn(sender))).catch(onError);
      measure();
    });
    await bus.subscribe(EpochOpened, {}, (info) => {
      const expired = pool.openEpoch(info.epoch, info.baseFee);
      store.depart(expired.map((digest) => ({ digest, reason: "expired", by: null }))).catch(onError);
      metrics.departed.add(expired.length, { reason: "expired" });
      measure();
    });

    await bus.respond(TakeBatch, { replica }, ({ maxTransactions, maxBytes }, { setAnswerHeader }) => {
      const taken = pool.take(maxTransactions, maxBytes, BigInt(Date.now()));
      metrics.taken.add(taken.length);
      const traced = traces.of(taken.map(({ digest }) => digest));
      if (traced.size > 0) setAnswerHeader(HEADER.traces, encodeTraces(traced));
      return ok(taken.map(({ bytes }) => bytes));
    });
    // Asked of the database, so that any replica may answer.
    await bus.respond(GetAdmission, {}, async ({ digest }) => {
      const found = await store.find(digest);
      if (found === undefined || found === "waiting") {
        return ok({ status: found ?? "unknown", reason: null, explanation: null, by: null });
      }
      const { reason, by } = found;
      return ok({ status: "departed", reason, explanation: DEPARTURES[reason], by });
    });

    const replicas = await Replicas.open(database, replica, config.replicaTimeout);
    replicas.lost.then(fail);
    keeper = await PartitionKeeper.open({
      replicas,
      heartbeatMs: config.heartbeat,
      log,
      load: async (partitions) => admissions.restore(await store.inPartitions(partitions)),
      serve: (partition) => bus.respond(SubmitTransaction, { partition }, submit, SUBMISSIONS),
      forget: (partitions) => pool.release((sender) => partitions.has(partitionOfSender(sender))),
      announce: async (partitions) => {
        metrics.partitions.set(partitions.length);
        measure();
        await bus.publish(MempoolReplica, {}, { replica, partitions: [...partitions], waiting: pool.size });
      },
      counted: (count) => metrics.replicas.set(count),
    });
    const kept = keeper;
    defer(() => kept.close());
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
      const before = new Date(Date.now() - config.reconcileInterval);
      reconcile({ bus, pool, store, accounts, admissions, metrics }, before, () => kept.served)
        .then(measure)
        .catch(onError);
    }, config.reconcileInterval);
    defer(() => clearInterval(reconciling));
    const pruning = setInterval(() => {
      store.pruneDeparted(new Date(Date.now() - config.departureAge)).catch(onError);
    }, PRUNE_EVERY_MS);
    defer(() => clearInterval(pruning));
    return {
      health: () => ({ ok: true, detail: { waiting: pool.size, partitions: kept.served.length } }),
    };
  },
});
