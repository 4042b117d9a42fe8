import { join } from "node:path";
import { ok, SomaError } from "@soma/base";
import {
  CheckpointCertified,
  CommitStream,
  ConsensusStatus,
  EpochOpened,
  GetEpoch,
  ReplayCommits,
} from "@soma/contracts";
import { nativeVerifier, selfTestEd25519 } from "@soma/crypto/native";
import { loadGenesis, loadKeyFile, ValidatorKeys } from "@soma/identity";
import { BLOCK_LIMITS, type EpochInfo, genesisParameters } from "@soma/protocol";
import { type Bus, defineService, sleep, steadyNow } from "@soma/runtime";
import {
  ConsensusState,
  decodeCertifiedBlock,
  type SignerLog as Found,
  type Recovered,
} from "../core/index.ts";
import { ConsensusActor } from "./actor.ts";
import { CommitDelivery } from "./commit-delivery.ts";
import { ConsensusConfig } from "./config.ts";
import { Effects } from "./effects.ts";
import { Equivocations } from "./equivocations.ts";
import { holderName, Lease } from "./lease.ts";
import { consensusMetrics } from "./metrics.ts";
import { Peers } from "./peers.ts";
import { SignerLog, type SignerLogStatus } from "./signer-log.ts";
import { Standstill } from "./standstill.ts";
import { ConsensusStore, type ConsensusTables, MIGRATIONS } from "./store.ts";
import { ConsensusTraces } from "./traces.ts";
import { TransactionPull } from "./transaction-pull.ts";

const WATCH_EVERY_MS = 100;

/** One validator's DAG: proposes, verifies, decides, and hands commits to the executor. */
export const service = defineService<ConsensusTables>()({
  name: "consensus",
  config: ConsensusConfig,
  migrations: MIGRATIONS,
  async open({ config, bus, database, telemetry, signal, recovering, fail, defer }) {
    recovering();
    selfTestEd25519();
    const genesis = loadGenesis(config.genesis);
    const { chainId } = genesis;
    const parameters = genesisParameters(genesis);
    if (!parameters.ok) throw new SomaError(parameters.code, parameters.message);
    const keys = new ValidatorKeys(loadKeyFile(config.keyFile, "validator").seed);
    const metrics = consensusMetrics(telemetry);
    const onError = (error: unknown) =>
      telemetry.log.warn({ error: String(error) }, "consensus side task failed");

    await bus.ensureStream(CommitStream);
    const logPath = join(config.data, "signer.log");
    metrics.active.set(0);
    const lease = await Lease.take({
      database,
      log: telemetry.log,
      holder: holderName(config.instance),
      durationMs: config.leaseDuration,
      above: (await SignerLog.newestTerm(logPath)) ?? 0n,
      signal,
      standingBy: () => telemetry.log.info({}, "another instance is active: standing by"),
    });
    // Stopped while it stood by.
    if (lease === undefined) return {};
    defer(() => lease.close());
    void lease.lost.then(fail);
    metrics.active.set(1);
    const { log: signerLog, found } = await SignerLog.open(logPath, lease);
    defer(() => signerLog.close());
    await lease.begins();
    telemetry.log.info({ term: String(lease.term), signerLog: found.status }, "active");
    const store = new ConsensusStore(database, chainId);
    const traces = new ConsensusTraces(telemetry, chainId);
    const peers = new Peers({ bus, chainId, metrics, traces });
    const delivery = new CommitDelivery(bus, onError);
    defer(() => delivery.close());
    const equivocations = new Equivocations({ bus, chainId, keys, onError });
    const effects = new Effects({
      chainId,
      keys,
      bus,
      store,
      signerLog,
      lease,
      peers,
      delivery,
      equivocations,
      metrics,
      traces,
      onError,
    });
    defer(() => effects.close());

    const state = new ConsensusState({ chainId, self: keys.account.address, verifier: nativeVerifier });
    const actor = new ConsensusActor({
      state,
      perform: (effect) => effects.perform(effect),
      refused: (input, code) => {
        metrics.refused.add(1, { input: input.kind, code });
        telemetry.log.debug({ input: input.kind, code }, "input refused");
      },
      stepped: (seconds, waiting) => {
        metrics.step.record(seconds);
        metrics.queue.set(waiting);
      },
      fail,
      now: steadyNow,
      wallNow: Date.now,
    });
    effects.attach(actor);
    defer(() => actor.close());

    await bus.subscribe(EpochOpened, {}, (info) => {
      peers.opens(info);
      actor.tell({ kind: "epoch-opened", info, parameters: parameters.value });
      store.prune(info.epoch - BigInt(config.retainEpochs)).catch(onError);
    });
    // The executor opens epochs; it answers from its own database, so it need not wait for this service.
    const epoch = await currentEpoch(bus);
    peers.opens(epoch);
    const last = await store.last();
    const inEpoch = last?.epoch === epoch.epoch ? last : null;
    const floor = (inEpoch?.leaderRound ?? 0) - 2 * parameters.value.gcDepth;
    const stored = await store.above(epoch.epoch, Math.max(0, floor));
    await bus.subscribe(CheckpointCertified, {}, ({ checkpoint }) => {
      actor.tell({
        kind: "commit-certified",
        epoch: checkpoint.epoch,
        index: checkpoint.commitIndex,
        digest: checkpoint.commitDigest,
      });
    });
    const recovered: Omit<Recovered, "nowMs" | "wallMs"> = {
      kind: "recovered",
      info: epoch,
      parameters: parameters.value,
      last: last ?? null,
      commits: stored.commits,
      blocks: stored.blocks,
      signerLog: signerLogOf(found, chainId),
    };
    actor.tell(recovered);
    await peers.listen(actor);
    if (found.status === "lost") {
      telemetry.log.warn(
        {},
        "the signer log is lost: nothing is signed until a quorum told the last own round",
      );
    }

    await bus.respond(
      ReplayCommits,
      {},
      async ({ fromIndex }) => {
        let republished = 0;
        const again = `replay-${Date.now()}`;
        for await (const { commit, digest, snapshot, blocks } of store.replay(BigInt(fromIndex))) {
          await delivery.send({ commit, digest, beacon: snapshot.beacon, blocks }, again);
          republished += 1;
        }
        return ok({ republished });
      },
      // An executor that asks again had no answer in time: one replay more is of use to it, not a queue of them.
      { concurrency: 1, maxWaiting: 1 },
    );
    const standstill = new Standstill(config.standstillAfter, steadyNow());
    const watch = (): void => {
      for (const [kind, count] of Object.entries(state.sizes())) metrics.held.set(count, { kind });
      const commit = state.lastCommit?.index ?? 0n;
      const change = standstill.look({ commit, isExpected: state.isSigning && !state.isHalted }, steadyNow());
      metrics.commitAge.set(standstill.ageMs(steadyNow()) / 1000);
      if (change === null) return;
      const detail = { code: "CONSENSUS_STANDSTILL", commit: String(commit), rounds: state.newestRounds };
      if (change === "ended") telemetry.log.info(detail, "commits go on: the standstill is over");
      else telemetry.log.error(detail, `no commit for ${config.standstillAfter / 1000} s: is a quorum away?`);
    };
    await bus.respond(ConsensusStatus, {}, () =>
      ok({
        epoch: String(state.engine?.context.epoch ?? 0n),
        round: state.round,
        lastCommit: String(state.lastCommit?.index ?? 0n),
        lastCommitAgeMs: Math.round(standstill.ageMs(steadyNow())),
        proposing: state.isSigning,
        standstill: standstill.isStanding,
        rounds: state.newestRounds,
      }),
    );

    // Transactions are pulled, so that the mempool keeps what does not fit, and no queue here grows.
    const pull = await TransactionPull.open(bus, (header) => traces.taken(header));
    const pulling = (async () => {
      while (!signal.aborted) {
        await pull.expecting(signal);
        const room = BLOCK_LIMITS.transactions - state.queue.length;
        // A batch that still waits has not taken its room yet, and one that found none must not be followed by others.
        if (state.isSigning && room > 0 && !actor.isPending("transactions-available")) {
          const transactions = await pull.take(room);
          if (transactions.length > 0) actor.tell({ kind: "transactions-available", transactions });
        }
        await sleep(config.batchInterval);
      }
    })().catch(fail);
    defer(() => pulling);
    const watching = setInterval(watch, WATCH_EVERY_MS);
    defer(() => clearInterval(watching));

    return {
      health: () => ({
        ok: !state.isHalted,
        detail: { round: state.round, signing: state.isSigning, term: String(lease.term) },
      }),
    };
  },
});

async function currentEpoch(bus: Bus): Promise<EpochInfo> {
  const answer = await bus.request(GetEpoch, {}, { epoch: null }, { timeoutMs: 60_000 });
  if (!answer.ok) throw new SomaError(answer.code, `state did not tell the epoch: ${answer.message}`);
  if (answer.value === null) throw new SomaError("CONSENSUS_NO_EPOCH", "state knows no epoch");
  return answer.value;
}

function signerLogOf(found: SignerLogStatus, chainId: string): Found {
  if (found.status === "lost") return found;
  if (found.last === null) return { status: "intact", last: null, rebuiltIn: found.rebuiltIn };
  const { epoch, round, block } = found.last;
  const opened = block.length === 0 ? undefined : decodeCertifiedBlock(chainId, block);
  // An own entry that no longer decodes is damage, whatever its checksum says.
  if (opened?.ok === false) return { status: "lost" };
  return {
    status: "intact",
    last: { epoch, round, block: opened?.value ?? null },
    rebuiltIn: found.rebuiltIn,
  };
}
