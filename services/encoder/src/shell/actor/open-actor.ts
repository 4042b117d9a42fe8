import { toHex } from "@soma/base";
import { GatewayClient } from "@soma/client";
import {
  EvaluationFailed,
  InferenceCompleted,
  JobEvaluated,
  type Payload,
  PeerMessageReceived,
} from "@soma/contracts";
import { aggregateBls, nativeVerifier, sha256Native } from "@soma/crypto/native";
import type { EncoderKeys } from "@soma/identity";
import {
  decodeJobMessage,
  type EpochInfo,
  embeddingDigest,
  type Genesis,
  genesisParameters,
  modalityNumber,
} from "@soma/protocol";
import type { ServiceContext } from "@soma/runtime";
import type { BlobFolder } from "@soma/storage";
import type { EncoderContext } from "../../core/context.ts";
import type { EncoderConfig } from "../config.ts";
import type { EncoderMetrics } from "../metrics.ts";
import { CarryOut } from "./carry-out.ts";
import { EncoderActor } from "./encoder-actor.ts";
import { EpochAnnouncer } from "./epoch-announcer.ts";
import { LedgerFeed } from "./ledger-feed.ts";
import { EncoderStore, type EncoderTables } from "./store.ts";
import { TransactionSender } from "./transaction-sender.ts";
import { VectorsAhead } from "./vectors-ahead.ts";

export interface ActorOptions {
  readonly service: Pick<
    ServiceContext<never, EncoderTables>,
    "bus" | "database" | "telemetry" | "signal" | "fail" | "use" | "recovering"
  >;
  readonly config: EncoderConfig;
  readonly genesis: Genesis;
  readonly keys: EncoderKeys;
  readonly gateways: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly own: BlobFolder;
  readonly metrics: EncoderMetrics;
}

/** Opens the part that speaks for the encoder: its memory, the ledger's feed, and its ears on the bus. */
export async function openActor(options: ActorOptions): Promise<EncoderActor> {
  const { service, config, genesis, keys, gateways, fetch, own, metrics } = options;
  const { bus, telemetry, signal } = service;
  const parameters = genesisParameters(genesis);
  if (!parameters.ok) throw new Error(parameters.message);
  const { chainId } = genesis;
  const context: EncoderContext = {
    chainId,
    encoder: keys.account.address,
    parameters: parameters.value,
    meanNormSquared: genesis.anchors.meanNormSquared,
    modalities: [modalityNumber("text")],
    verifier: nativeVerifier,
    signer: {
      message: (bytes) => keys.message.sign(bytes),
      evaluation: (bytes) => keys.bls.sign(bytes),
      aggregate: aggregateOrNull,
    },
  };
  service.recovering();
  const store = new EncoderStore(service.database);
  const { jobs, light } = await store.load();
  const client = new GatewayClient({ gateways, fetch, signal });
  const sender = new TransactionSender({ client, account: keys.account, chainId });
  const fetchTimeoutMs = config.fetchTimeout;
  const ahead = new VectorsAhead({ gateways, fetch, fetchTimeoutMs, own, telemetry, signal });
  const carryOut = new CarryOut({
    bus,
    config,
    context,
    gateways,
    fetch,
    own,
    store,
    sender,
    ahead,
    telemetry,
    metrics,
    signal,
    give: (input) => actor.give(input),
  });
  const actor: EncoderActor = EncoderActor.open(
    { context, store, telemetry, metrics, carryOut: (effect) => carryOut.run(effect), fail: service.fail },
    jobs,
  );

  await bus.subscribe(PeerMessageReceived, { type: "job-message" }, async ({ sender: from, body }) => {
    const relayed = decodeJobMessage(body);
    if (!relayed.ok) {
      metrics.refused.add(1, { code: relayed.code });
      return;
    }
    await actor.give({ kind: "message", sender: from, relayed: relayed.value, at: Date.now() });
  });
  await bus.subscribe(InferenceCompleted, {}, (completed) => takeInference(completed));
  await bus.subscribe(JobEvaluated, {}, async ({ job, result, finals }) => {
    await actor.give({ kind: "evaluated", job, result }, { bulk: new Uint8Array(finals) });
  });
  await bus.subscribe(EvaluationFailed, {}, async ({ job, bundle, missing }) => {
    await actor.give({ kind: "evaluation-failed", job, bundle, missing });
  });
  const announcer = service.use(new EpochAnnouncer(bus, telemetry.log));
  const proven = (info: EpochInfo) => announcer.proven(info);
  service.use(LedgerFeed.open({ gateways, fetch, genesis, saved: light, actor, proven, telemetry, signal }));
  return actor;

  async function takeInference({ job, attempt, outcome }: Payload<typeof InferenceCompleted>): Promise<void> {
    if (outcome.$kind !== "Embedded") {
      const isDataAtFault = outcome.$kind === "BadData";
      telemetry.log.warn({ job, attempt, outcome: outcome.$kind }, "no vectors");
      await actor.give({ kind: "inference-failed", job, attempt, isDataAtFault });
      return;
    }
    const { vectors, masksOfItem } = outcome.Embedded;
    const bytes = vectors.$kind === "Inline" ? new Uint8Array(vectors.Inline) : await own.get(vectors.Stored);
    if (bytes === undefined) {
      await actor.give({ kind: "inference-failed", job, attempt, isDataAtFault: false });
      return;
    }
    await actor.give(
      {
        kind: "embedded",
        job,
        attempt,
        vectors: toHex(sha256Native(bytes)),
        embeddingDigest: embeddingDigest(chainId, bytes),
        masksOfItem,
        at: Date.now(),
      },
      { bulk: bytes },
    );
  }
}

function aggregateOrNull(signatures: readonly Uint8Array[]): Uint8Array | null {
  try {
    return aggregateBls(signatures);
  } catch {
    return null;
  }
}
