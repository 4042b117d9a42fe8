import { ok, type Result, SomaError } from "@soma/base";
import { CommitExecuted, EpochOpened, GetEpoch, SubmitTransaction, TakeBatch } from "@soma/contracts";
import { loadGenesis } from "@soma/identity";
import { defineService, HEADER } from "@soma/runtime";
import { encodeTraces, sampledTraceparent, TraceBook } from "@soma/telemetry";
import { type Admission, inspect, TransactionPool } from "../core/index.ts";
import { Accounts } from "./accounts.ts";
import { MempoolConfig } from "./config.ts";
import { mempoolMetrics } from "./metrics.ts";
import { reconcile } from "./reconcile.ts";
import { Signatures } from "./signatures.ts";
import { MempoolStore, type MempoolTables, MIGRATIONS } from "./store.ts";

/** Refusals that may come of facts that are no longer true. */
const PAID_MEANWHILE: ReadonlySet<string> = new Set(["MEMPOOL_ACCOUNT", "MEMPOOL_BALANCE"]);

/** Where transactions enter: checked, kept until a commit carries them, given to consensus in batches. */
export const service = defineService<MempoolTables>()({
  name: "mempool",
  config: MempoolConfig,
  migrations: MIGRATIONS,
  async open({ config, bus, database, telemetry, recovering, defer }) {
    recovering();
    const { chainId } = loadGenesis(config.genesis);
    const metrics = mempoolMetrics(telemetry);
    const store = new MempoolStore(database);
    const signatures = await Signatures.open(chainId, config.verifyWorkers);
    defer(() => signatures.close());
    const onError = (error: unknown) =>
      telemetry.log.warn({ error: String(error) }, "mempool side task failed");

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
    };

    const accounts = new Accounts(bus);
    const submit = async (bytes: Uint8Array, isStored: boolean): Promise<Result<Admission>> => {
      const inspected = inspect(bytes, chainId, pool.epoch);
      if (!inspected.ok) return inspected;
      const { digest, sender } = inspected.value;
      if (pool.has(digest)) {
        await store.stored(digest);
        return ok({ digest, known: true });
      }
      const valid = await signatures.isValid(inspected.value.signed);
      // The ledger is asked for whoever signed, not for any address that somebody writes.
      const account = valid ? await accounts.facts(sender) : ok(undefined);
      if (!account.ok) return account;
      let admitted = pool.admit(inspected.value, valid, account.value);
      if (!admitted.ok && valid && PAID_MEANWHILE.has(admitted.code)) {
        const again = await accounts.fresh(sender);
        if (!again.ok) return again;
        admitted = pool.admit(inspected.value, valid, again.value);
      }
      measure();
      if (admitted.ok) traces.remember(admitted.value.digest, sampledTraceparent());
      // On disk before the answer: what was accepted is not lost with this process.
      if (admitted.ok && !isStored) {
        await (admitted.value.known ? store.stored(digest) : store.add(inspected.value)).catch(
          (error: unknown) => {
            pool.discard([digest]);
            throw error;
          },
        );
      }
      return admitted;
    };

    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      if (transactions.length === 0) return;
      pool.executed(transactions);
      for (const { sender } of transactions) accounts.changed(sender);
      traces.forget(transactions.map(({ digest }) => digest));
      store.executed(transactions).catch(onError);
      measure();
    });
    await bus.subscribe(EpochOpened, {}, (info) => {
      pool.openEpoch(info.epoch, info.baseFee);
      store.expired(info.epoch).catch(onError);
      measure();
    });
    const unwanted: string[] = [];
    for (const { digest, bytes } of await store.all()) {
      const again = await submit(bytes, true);
      if (again.ok) continue;
      if (!again.code.startsWith("MEMPOOL_")) throw new SomaError(again.code, again.message);
      // Its sequence number was used, or its account or epoch changed, while this service was away.
      unwanted.push(digest);
    }
    await store.remove(unwanted);
    telemetry.log.info({ waiting: pool.size, unwanted: unwanted.length }, "waiting transactions loaded");

    await bus.respond(
      SubmitTransaction,
      {},
      async (bytes) => {
        const admitted = await submit(bytes, false);
        metrics.submitted.add(1, { outcome: admitted.ok ? "admitted" : admitted.code });
        if (admitted.ok) return ok({ accepted: true as const, ...admitted.value });
        // The pool's own refusals are answers; a service that did not answer is a failure to be tried again.
        if (!admitted.code.startsWith("MEMPOOL_")) return admitted;
        return ok({ accepted: false as const, code: admitted.code, message: admitted.message });
      },
      { concurrency: 512, maxWaiting: 8192 },
    );
    await bus.respond(TakeBatch, {}, ({ maxTransactions, maxBytes }, { setAnswerHeader }) => {
      const taken = pool.take(maxTransactions, maxBytes, BigInt(Date.now()));
      metrics.taken.add(taken.length);
      const traced = traces.of(taken.map(({ digest }) => digest));
      if (traced.size > 0) setAnswerHeader(HEADER.traces, encodeTraces(traced));
      return ok(taken.map(({ bytes }) => bytes));
    });
    const reconciling = setInterval(() => {
      const before = new Date(Date.now() - config.reconcileInterval);
      reconcile({ bus, pool, store, accounts, metrics }, before).then(measure).catch(onError);
    }, config.reconcileInterval);
    defer(() => clearInterval(reconciling));
    return { health: () => ({ ok: true, detail: { waiting: pool.size } }) };
  },
});
