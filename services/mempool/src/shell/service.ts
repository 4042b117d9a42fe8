import { ok, type Result, SomaError } from "@soma/base";
import {
  CommitExecuted,
  EpochOpened,
  GetAccount,
  GetEpoch,
  SubmitTransaction,
  TakeBatch,
} from "@soma/contracts";
import { loadGenesis } from "@soma/identity";
import { defineService } from "@soma/runtime";
import { type AccountFacts, type Admission, inspect, TransactionPool } from "../core/index.ts";
import { MempoolConfig } from "./config.ts";
import { mempoolMetrics } from "./metrics.ts";
import { Signatures } from "./signatures.ts";
import { MempoolStore, type MempoolTables, MIGRATIONS } from "./store.ts";

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
    const measure = () => {
      metrics.waiting.set(pool.size);
      metrics.bytes.set(pool.bytes);
    };

    const accountOf = async (address: string): Promise<Result<AccountFacts>> => {
      const answer = await bus.request(GetAccount, {}, { address });
      if (!answer.ok) return answer;
      const { exists, balance, sequence } = answer.value;
      return ok(exists ? { balance, sequence } : undefined);
    };

    const submit = async (bytes: Uint8Array, isStored: boolean): Promise<Result<Admission>> => {
      const inspected = inspect(bytes, chainId, pool.epoch);
      if (!inspected.ok) return inspected;
      if (pool.has(inspected.value.digest)) return ok({ digest: inspected.value.digest, known: true });
      const valid = await signatures.isValid(inspected.value.signed);
      const account = await accountOf(inspected.value.sender);
      if (!account.ok) return account;
      const admitted = pool.admit(inspected.value, valid, account.value);
      measure();
      // On disk before the answer: what was accepted is not lost with this process.
      if (admitted.ok && !admitted.value.known && !isStored) await store.add(inspected.value);
      return admitted;
    };

    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      if (transactions.length === 0) return;
      pool.executed(transactions);
      store.executed(transactions).catch(onError);
      measure();
    });
    await bus.subscribe(EpochOpened, {}, (info) => {
      pool.openEpoch(info.epoch, info.baseFee);
      store.expired(info.epoch).catch(onError);
      measure();
    });
    for (const bytes of await store.all()) {
      const again = await submit(bytes, true);
      // Its sequence number was used, or its account or epoch changed, while this service was away.
      if (!again.ok) telemetry.log.debug({ code: again.code }, "a stored transaction is no longer wanted");
    }

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
    await bus.respond(TakeBatch, {}, ({ maxTransactions, maxBytes }) => {
      const taken = pool.take(maxTransactions, maxBytes, BigInt(Date.now()));
      metrics.taken.add(taken.length);
      return ok(taken.map(({ bytes }) => bytes));
    });
    return { health: () => ({ ok: true, detail: { waiting: pool.size } }) };
  },
});
