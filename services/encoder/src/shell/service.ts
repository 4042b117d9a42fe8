import { join } from "node:path";
import { SomaError } from "@soma/base";
import { InferenceStream } from "@soma/contracts";
import { EncoderKeys, loadGenesis, loadKeyFile } from "@soma/identity";
import { AddressGuard, defineService } from "@soma/runtime";
import { BlobFolder } from "@soma/storage";
import { BATCH_LIMITS } from "../core/inference/batch-plan.ts";
import type { EncoderActor } from "./actor/encoder-actor.ts";
import { openActor } from "./actor/open-actor.ts";
import { type EncoderTables, MIGRATIONS } from "./actor/store.ts";
import { EncoderConfig } from "./config.ts";
import { Embedder } from "./inference/embedder.ts";
import { InferenceWorker } from "./inference/inference-worker.ts";
import { loadModelFolder, loadTokenizerFolder } from "./inference/model-folder.ts";
import { EXECUTION_PROVIDERS, type ExecutionProvider } from "./inference/session.ts";
import { encoderMetrics } from "./metrics.ts";

const HOUSEKEEPING_MS = 60_000;
const LOOK_AT_QUEUE_MS = 5_000;

/** One encoder's identity: its part in jobs (GAME), and the workers that embed for it. */
export const service = defineService<EncoderTables>()({
  name: "encoder",
  config: EncoderConfig,
  migrations: MIGRATIONS,
  async open(context) {
    const { config, bus, telemetry } = context;
    const metrics = encoderMetrics(telemetry);
    const genesis = loadGenesis(config.genesis);
    const fromGenesis = genesis.validators.map((validator) => validator.gatewayAddress);
    const gateways = config.gateways.length > 0 ? config.gateways : fromGenesis;
    const guard = context.use(new AddressGuard({ allowed: config.peerNetworks, telemetry }));
    const { fetch } = guard;
    const own = await BlobFolder.open(join(config.data, "blobs"));

    if (config.role !== "actor") {
      const tokenizer = loadTokenizerFolder(config.tokenizer);
      if (tokenizer.sha256 !== genesis.textTokenizer) {
        throw new SomaError("ENCODER_TOKENIZER", `${tokenizer.id} is not the network's tokenizer (MASK-1)`);
      }
      const model = loadModelFolder(config.model, tokenizer);
      const embedder = context.use(
        await Embedder.open({
          model,
          providers: config.providers.map(providerOf),
          sessions: config.sessions,
          threadsPerSession: config.threadsPerSession,
          limits: { ...BATCH_LIMITS, tokens: config.batchTokens },
          onPart: (items, { tokenise, infer, batches }) => {
            metrics.items.add(items);
            metrics.tokeniseSeconds.record(tokenise / 1000);
            metrics.inferSeconds.record(infer / 1000);
            for (const rows of batches) metrics.batchRows.record(rows);
          },
        }),
      );
      void embedder.failed.then(context.fail);
      for (const { provider, reason } of embedder.fallbacks) {
        telemetry.log.warn({ provider, reason }, `no ${provider}; inference runs on ${embedder.provider}`);
      }
      metrics.provider.set(1, { provider: embedder.provider });
      telemetry.log.info({ model: model.name, provider: embedder.provider }, "model loaded");
      await InferenceWorker.open(
        {
          bus,
          embedder,
          model,
          own,
          gateways,
          fetch,
          fetchTimeoutMs: config.fetchTimeout,
          telemetry,
        },
        { sessions: config.sessions, redeliverAfterMs: config.redeliverAfter },
      );
    }
    let actor: EncoderActor | undefined;
    if (config.role !== "worker") {
      // Two that speak for one encoder would contradict each other.
      await context.sole();
      const keys = new EncoderKeys(loadKeyFile(config.keyFile, "encoder").seed);
      actor = await openActor({ service: context, config, genesis, keys, gateways, fetch, own, metrics });
    }

    const looking = setInterval(() => {
      bus.streamState(InferenceStream).then(
        ({ messages }) => metrics.waiting.set(messages),
        (error: unknown) => telemetry.log.debug({ error: String(error) }, "the queue cannot be read"),
      );
    }, LOOK_AT_QUEUE_MS);
    const pruning = setInterval(() => {
      own.prune(config.blobAge).catch((error: unknown) => {
        telemetry.log.warn({ error: String(error) }, "old blobs were not removed");
      });
    }, HOUSEKEEPING_MS);
    context.defer(() => {
      clearInterval(looking);
      clearInterval(pruning);
    });
    return {
      drain: async () => actor?.idle(),
      health: () => ({
        ok: true,
        detail: actor === undefined ? {} : { head: Number(actor.state.head), jobs: actor.state.jobs.size },
      }),
    };
  },
});

function providerOf(name: string): ExecutionProvider {
  const known = EXECUTION_PROVIDERS.find((provider) => provider === name);
  if (known === undefined) {
    throw new SomaError("CONFIG_INVALID", `${name} is none of ${EXECUTION_PROVIDERS.join(", ")}`);
  }
  return known;
}
