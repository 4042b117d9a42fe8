import { setTimeout as delay } from "node:timers/promises";
import { SomaError } from "@soma/base";
import { ltExpandNative, nativeVerifier, SignaturePool, selfTestEd25519 } from "@soma/crypto/native";
import { loadGenesis, loadKeyFile, ValidatorKeys } from "@soma/identity";
import { type Digest, type Genesis, genesisDigest } from "@soma/protocol";
import { defineService } from "@soma/runtime";
import { Ledger } from "../core/index.ts";
import { Announcements } from "./announcements.ts";
import { Answers } from "./answers.ts";
import { Certifier } from "./certifier.ts";
import { CheckpointExchange } from "./checkpoint-exchange.ts";
import { CommitAssembler } from "./commit-assembler.ts";
import { CommitFeed } from "./commit-feed.ts";
import { CommitQueue } from "./commit-queue.ts";
import { StateConfig } from "./config.ts";
import { Epochs } from "./epochs.ts";
import { Executor } from "./executor.ts";
import { Halts } from "./halts.ts";
import { LeafLists } from "./leaf-list.ts";
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
/** How often a replica looks whether there is a ledger yet. */
const LOOK_EVERY_MS = 200;
const TOOLS = { verifier: nativeVerifier, expand: ltExpandNative };

/** One validator's ledger: executes commits, certifies checkpoints, opens epochs, answers questions. */
export const service = defineService<StateTables>()({
  name: "state",
  config: StateConfig,
  migrations: MIGRATIONS,
  async open({ config, bus, database, telemetry, signal, recovering, sole, fail, defer, use }) {
    recovering();
    const { log } = telemetry;
    const genesis = loadGenesis(config.genesis);
    const store = new StateStore(database);
    const answers = new Answers(bus, database);
    const answer = async () => {
      await respondToQueries(answers, genesis.chainId);
      await respondToLists(answers);
    };
    if (config.role === "replica") {
      await ledgerStored(store, genesisDigest(genesis), signal);
      await answer();
      return {};
    }
    // The one writer of its ledger.
    await sole();
    selfTestEd25519();
    if (config.keyFile === undefined)
      throw new SomaError("CONFIG_INVALID", "state needs SOMA_KEY_FILE to write");
    const keys = new ValidatorKeys(loadKeyFile(config.keyFile, "validator").seed);
    const validator = keys.account.address;
    const metrics = stateMetrics(telemetry);
    const reader = new StateReader(database.kysely, new LeafLists());
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
    if (config.role === "all") await answer();
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
      await SignaturePool.open({ workers: config.verifyThreads, maxPending: Number.MAX_SAFE_INTEGER }),
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
      store.pruneHistory(ledger.settledHead.commit - BigInt(config.retainCommits)).catch(onError);
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
          epoch: String(ledger.settledHead.epoch),
          commit: String(ledger.settledHead.commit),
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

/** Resolves when the writer has stored the ledger of this genesis. @throws when `signal` aborts meanwhile */
async function ledgerStored(store: StateStore, genesis: Digest, signal: AbortSignal): Promise<void> {
  while (!(await store.holds(genesis))) await delay(LOOK_EVERY_MS, undefined, { signal });
}

function standingOf(ledger: Ledger): WriteBatch {
  const batch = new WriteBatch();
  batch.stands(ledger);
  return batch;
}

/** What the database holds, or else the genesis ledger, written. */
async function openLedger(store: StateStore, genesis: Genesis): Promise<Ledger> {
  const digest = genesisDigest(genesis);
  if (await store.holds(digest)) {
    const entries: (readonly [string, Uint8Array])[] = [];
    for await (const entry of store.entries()) entries.push(entry);
    const loaded = Ledger.load(entries, TOOLS);
    if (!loaded.ok) throw new SomaError(loaded.code, loaded.message);
    await store.write(standingOf(loaded.value));
    return loaded.value;
  }
  const begun = Ledger.fromGenesis(genesis, TOOLS);
  if (!begun.ok) throw new SomaError(begun.code, begun.message);
  const { ledger, changes } = begun.value;
  const batch = standingOf(ledger);
  batch.changes(changes);
  batch.epoch(ledger.currentEpoch, 0n);
  await store.begin(digest, batch);
  return ledger;
}
