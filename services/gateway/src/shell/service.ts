import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointCertified, CommitExecuted, PeerMessageReceived } from "@soma/contracts";
import { loadGenesis, loadKeyFile, ValidatorKeys } from "@soma/identity";
import { decodeJobMessage } from "@soma/protocol";
import { defineService } from "@soma/runtime";
import { BlobStore } from "./blob-store.ts";
import { GatewayConfig } from "./config.ts";
import { openHttpServer } from "./http-server.ts";
import { Mailbox, type MailboxTables, MIGRATIONS } from "./mailbox.ts";
import { gatewayMetrics } from "./metrics.ts";
import { News } from "./news.ts";

const PRUNE_EVERY_MS = 60_000;

/** The HTTP door of a validator: clients and other operators' blobs come through here. */
export const service = defineService<MailboxTables>()({
  name: "gateway",
  config: GatewayConfig,
  migrations: MIGRATIONS,
  async open({ config, bus, database, telemetry, ...context }) {
    const genesis = loadGenesis(config.genesis);
    const validator = new ValidatorKeys(loadKeyFile(config.keyFile, "validator").seed).account.address;
    const metrics = gatewayMetrics(telemetry);
    const news = new News(config.maxWaiting);
    const mailbox = new Mailbox(database, {
      perJob: config.mailboxMessages,
      perSender: config.mailboxSenderMessages,
    });
    const blobs = await BlobStore.open({
      folder: join(config.data, "blobs"),
      maxBlobBytes: config.blobBytes,
      maxTotalBytes: config.blobTotalBytes,
      maxAgeMs: config.blobAge,
      maxIncoming: config.blobUploads,
    });

    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      for (const { digest } of transactions) news.wake(`transaction ${digest}`);
    });
    await bus.subscribe(CheckpointCertified, {}, () => news.wake("checkpoint"));
    // Replicas share the messages (queue) and the mailbox (database).
    await bus.subscribe(
      PeerMessageReceived,
      { type: "job-message" },
      async ({ sender, body }) => {
        const message = decodeJobMessage(body);
        if (!message.ok || message.value.mailbox !== validator) {
          metrics.mailbox.add(1, { outcome: "refused" });
          return;
        }
        const kept = await mailbox.put(message.value.job, sender, body);
        metrics.mailbox.add(1, { outcome: kept ? "kept" : "full" });
        if (kept) news.wake(`job ${message.value.job}`);
      },
      { queue: "gateway", concurrency: 8 },
    );

    const pruning = setInterval(() => {
      const since = Date.now();
      Promise.all([blobs.prune(since), mailbox.prune(new Date(since - config.mailboxAge))]).catch(
        (error: unknown) => telemetry.log.warn({ error: String(error) }, "pruning failed"),
      );
    }, PRUNE_EVERY_MS);
    context.defer(() => clearInterval(pruning));

    const app = await openHttpServer(
      {
        config,
        bus,
        genesis,
        genesisBytes: readFileSync(config.genesis),
        validator,
        blobs,
        mailbox,
        news,
        metrics,
      },
      telemetry,
    );
    context.defer(() => {
      news.close();
      return app.close();
    });
    return {};
  },
});
