import { SomaError } from "@soma/base";
import { Ed25519Pool, ltExpandNative, nativeVerifier, selfTestEd25519 } from "@soma/crypto/native";
import { loadGenesis, loadKeyFile, ValidatorKeys } from "@soma/identity";
import { type Genesis, genesisDigest } from "@soma/protocol";
import { defineService } from "@soma/runtime";
import { Ledger } from "../core/index.ts";
import { Announcements } from "./announcements.ts";
import { Certifier } from "./certifier.ts";
import { CheckpointExchange } from "./checkpoint-exchange.ts";
import { CommitAssembler } from "./commit-assembler.ts";
import { CommitFeed } from "./commit-feed.ts";
import { CommitQueue } from "./commit-queue.ts";
import { StateConfig } from "./config.ts";
import { Epochs } from "./epochs.ts";
import { EventReader } from "./event-reader.ts";
import { Executor } from "./executor.ts";
import { Halts } from "./halts.ts";
import { HistoryReader } from "./history-reader.ts";
import { respondToLists } from "./list-responders.ts";
import { stateMetrics } from "./metrics.ts";
import { respondToOperator } from "./operator-responders.ts";
import { OverrideExchange } from "./override-exchange.ts";
import { Overrides } from "./overrides.ts";
import { StateReader } from "./reader.ts";
import { respondToQueries } from "./responders.ts";
import { type Halt, SafeMode } from "./safe-mode.ts";
import { MIGRATIONS, type StateTables } from "./schema.ts";
import { EpochSettlement } from "./settlement.ts";
import { StateStore } from "./store.ts";
import { StateTraces } from "./traces.ts";
import { WriteBatch } from "./write-batch.ts";

const QUEUE = { maxCommits: 64, maxTransactions: 32_768 };
const PRUNE_EVERY_MS = 60_000;
const REOPEN_EVERY_MS = 5_000;
const TOOLS = { verifier: nativeVerifier, expand: ltExpandNative };

/** One validator's ledger: executes commits, certifies checkpoints, opens epochs, answers questions. */
export const service = defineService<StateTables>()({
  name: "state",
  config: StateConfig,
  migrations: MIGRATIONS,
  async open({ config, bus, database, telemetry, signal, recovering, sole, fail, defer, use }) {
    recovering();
    // The one writer of its ledger.
    await sole();
    selfTestEd25519();
    const { log } = telemetry;
    const genesis = loadGenesis(config.genesis);
    const keys = new ValidatorKeys(loadKeyFile(config.keyFile, "validator").seed);
    const validator = keys.account.address;
    const metrics = stateMetrics(telemetry);
    const store = new StateStore(database);
    const reader = new StateReader(database);
    const ledger = await openLedger(store, genesis);
    const { chainId, head } = ledger;
    const epochs = await Epochs.load(store, head.epoch);
    metrics.commit.set(Number(head.commit));
    metrics.epoch.set(Number(head.epoch));
    log.info({ epoch: String(head.epoch), commit: String(head.commit) }, "ledger loaded");

    const traces = new StateTraces(telemetry);
    const announcements = new Announcements(bus, log, traces);
    const certifier = new Certifier({
      chainId,
      validator,
      store,
      epochs,
      certified: await store.lastCertified(),
      metrics,
      log,
      announce: (certified) => announcements.certified(certified),
      lead: (certificate) => announcements.ahead(certificate),
      fail,
    });
    defer(() => certifier.close());
    // Others wait for these answers at their start, consensus among them: they come before any commit is waited for.
    await respondToQueries({ bus, ledger, epochs, certifier, reader });
    const history = new HistoryReader(database);
    await respondToLists({ bus, ledger, history, events: new EventReader(database, history) });
    const exchange = await CheckpointExchange.open({
      bus,
      validator,
      certifier,
      reader,
      metrics,
      log,
      resendIntervalMs: config.resendInterval,
    });
    defer(() => exchange.close());
    for (const own of await store.uncertified()) {
      await exchange.sendSignature(own);
      certifier.add(own);
    }
    await announcements.opened(epochs.opened);

    const pool = use(
      await Ed25519Pool.open({ workers: config.verifyThreads, maxPending: Number.MAX_SAFE_INTEGER }),
    );
    const queue = new CommitQueue(QUEUE);
    const safeMode = new SafeMode(metrics, log);
    const overrides = await Overrides.open({ ledger, verifier: nativeVerifier, store, safeMode, signal });
    const halts = new Halts({ chainId, overrides, safeMode, signal });
    const patienceMs = config.settlementPatience;
    const settlement = new EpochSettlement({
      bus,
      ledger,
      overrides,
      halts,
      safeMode,
      log,
      signal,
      patienceMs,
    });
    await respondToOperator({ bus, ledger, certifier, queue, safeMode });
    const askIntervalMs = config.overrideInterval;
    const overriding = await OverrideExchange.open({ bus, overrides, safeMode, metrics, log, askIntervalMs });
    defer(() => overriding.close());
    const executor = new Executor({
      ledger,
      store,
      epochs,
      queue,
      overrides,
      halts,
      settlement,
      validator,
      blsKey: keys.bls,
      metrics,
      traces,
      log,
      signal,
      written: async (outcome) => {
        await announcements.executed(outcome);
        for (const own of outcome.checkpoints) {
          await traces.signing(own.checkpoint.sequence, () => exchange.sendSignature(own));
          certifier.add(own);
        }
      },
    });
    const running = executor.run().catch(fail);
    defer(() => running);
    defer(() => queue.close());
    const assembler = new CommitAssembler(chainId, { index: head.commit, digest: head.commitDigest });
    signal.addEventListener("abort", () => queue.close(), { once: true });
    await CommitFeed.open({ chainId, bus, pool, assembler, queue, metrics, log, signal });

    const onError = (error: unknown) => log.warn({ error: String(error) }, "state's side task failed");
    const prune = () => {
      store.pruneUpdates(certifier.certified - BigInt(config.retainUpdates)).catch(onError);
      store.pruneHistory(ledger.head.commit - BigInt(config.retainCommits)).catch(onError);
    };
    prune();
    const pruning = setInterval(prune, PRUNE_EVERY_MS);
    defer(() => clearInterval(pruning));
    const reopening = setInterval(() => {
      announcements.reopened(ledger, epochs.opened).catch(onError);
    }, REOPEN_EVERY_MS);
    defer(() => clearInterval(reopening));

    return {
      health: () => ({
        ok: safeMode.halt === null,
        detail: {
          halt: safeMode.halt === null ? null : haltDetail(safeMode.halt),
          epoch: String(ledger.head.epoch),
          commit: String(ledger.head.commit),
          certified: String(certifier.certified),
          waiting: queue.length,
        },
      }),
    };
  },
});

function haltDetail({ code, message, commit, stage }: Halt): Record<string, string> {
  return { code, message, commit: String(commit), stage };
}

/** What the database holds, or else the genesis ledger, written. */
async function openLedger(store: StateStore, genesis: Genesis): Promise<Ledger> {
  const digest = genesisDigest(genesis);
  if (await store.holds(digest)) {
    const entries: (readonly [string, Uint8Array])[] = [];
    for await (const entry of store.entries()) entries.push(entry);
    const loaded = Ledger.load(entries, TOOLS);
    if (!loaded.ok) throw new SomaError(loaded.code, loaded.message);
    return loaded.value;
  }
  const begun = Ledger.fromGenesis(genesis, TOOLS);
  if (!begun.ok) throw new SomaError(begun.code, begun.message);
  const { ledger, changes } = begun.value;
  const batch = new WriteBatch();
  batch.changes(changes);
  batch.epoch(ledger.currentEpoch, 0n);
  await store.begin(digest, batch);
  return ledger;
}
