import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointCertified, CommitExecuted, GetLedgerUpdate, PeerMessageReceived } from "@soma/contracts";
import { loadGenesis, loadKeyFile, ValidatorKeys } from "@soma/identity";
import { decodeJobMessage, type RelayedJobMessage } from "@soma/protocol";
import { defineService } from "@soma/runtime";
import { BLOB_MIGRATION, BlobClaims, type BlobTables } from "./blob-claims.ts";
import { BlobStore } from "./blob-store.ts";
import { GatewayConfig } from "./config.ts";
import { ASKED, taken } from "./context.ts";
import { EventFeed } from "./events/event-feed.ts";
import { EventStreams } from "./events/event-streams.ts";
import { HaltWatch } from "./halt-watch.ts";
import { openHttpServer } from "./http-server.ts";
import { LedgerUpdates } from "./ledger-updates.ts";
import { Mailbox, type MailboxTables, MIGRATIONS } from "./mailbox.ts";
import { gatewayMetrics } from "./metrics.ts";
import { News } from "./news.ts";
import { Quotas } from "./quotas.ts";
import { SessionCheck } from "./session-check.ts";
import { Submissions } from "./submissions.ts";

const PRUNE_EVERY_MS = 60_000;

/** The HTTP door of a validator: clients and other operators' blobs come through here. */
export const service = defineService<MailboxTables & BlobTables>()({
  name: "gateway",
  config: GatewayConfig,
  migrations: [...MIGRATIONS, BLOB_MIGRATION],
  async open({ config, bus, database, telemetry, ...context }) {
    const genesis = loadGenesis(config.genesis);
    const validator = new ValidatorKeys(loadKeyFile(config.keyFile, "validator").seed).account.address;
    const metrics = gatewayMetrics(telemetry);
    const quotas = new Quotas(
      {
        windowMs: config.quotaWindow * 1000,
        requests: config.quotaRequests,
        blobBytes: config.quotaBlobBytes,
        relays: config.quotaRelays,
        jobRelays: config.quotaJobRelays,
        vainChecks: config.quotaSignatures,
        events: config.quotaEvents,
        waits: config.quotaWaits,
        exempt: config.quotaExempt,
      },
      metrics,
    );
    const news = new News(config.maxWaiting, (client) => quotas.openWait(client));
    const sessions = new SessionCheck({ bus, news, chainId: genesis.chainId });
    const feed = new EventFeed({ bus, log: telemetry.log, maxEvents: config.eventsKept });
    const streams = new EventStreams(
      {
        maxStreams: config.eventStreams,
        heartbeatMs: config.eventHeartbeat,
        patienceMs: config.eventPatience,
      },
      { feed, quotas, metrics },
    );
    const claims = new BlobClaims(database as never, {
      unclaimedBytes: config.blobUnclaimedBytes,
      unclaimedAgeMs: config.blobUnclaimedAge,
    });
    const mailbox = new Mailbox(database as never, {
      perJob: config.mailboxMessages,
      perSender: config.mailboxSenderMessages,
    });
    const blobs = await BlobStore.open({
      folder: join(config.data, "blobs"),
      maxBlobBytes: config.blobBytes,
      maxTotalBytes: config.blobTotalBytes,
      maxAgeMs: config.blobAge,
      maxIncoming: config.blobUploads,
      incomingAgeMs: config.requestTimeout,
      unclaimedAgeMs: config.blobUnclaimedAge,
      claimed: (hashes) => claims.claimed(hashes),
    });

    await bus.subscribe(CommitExecuted, {}, ({ transactions }) => {
      for (const { digest } of transactions) news.wake(`transaction ${digest}`);
      news.wake("commit");
      feed.wake();
    });
    const updates = new LedgerUpdates(async (sequence, part) =>
      taken(await bus.request(GetLedgerUpdate, {}, { sequence, part }, ASKED)),
    );
    await bus.subscribe(CheckpointCertified, {}, ({ checkpoint }) => {
      updates.certified(checkpoint.sequence);
      news.wake("checkpoint");
      feed.wake();
    });
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
        await claimVectors(message.value, sender);
      },
      { queue: "gateway", concurrency: 8 },
    );

    /** The vectors of a chosen encoder are the job's. */
    async function claimVectors({ job, message }: RelayedJobMessage, encoder: string): Promise<void> {
      if (message.$kind !== "Reveal" || message.Reveal.reveal.reveal.encoder !== encoder) return;
      const view = await sessions.job(job);
      if (view?.selected.includes(encoder) === true) await claims.claim(job, encoder, message.Reveal.vectors);
    }

    const prune = () => {
      const since = Date.now();
      Promise.all([
        blobs.prune(since),
        claims.prune(since, config.blobAge),
        mailbox.prune(new Date(since - config.mailboxAge)),
      ]).catch((error: unknown) => telemetry.log.warn({ error: String(error) }, "pruning failed"));
    };
    prune();
    const pruning = setInterval(prune, PRUNE_EVERY_MS);
    context.defer(() => clearInterval(pruning));

    const app = await openHttpServer(
      {
        config,
        bus,
        genesis,
        genesisBytes: readFileSync(config.genesis),
        validator,
        blobs,
        claims,
        halts: new HaltWatch(bus),
        mailbox,
        news,
        quotas,
        sessions,
        submissions: await Submissions.open({ bus, maxWaiting: config.submissionsWaiting, quotas, metrics }),
        streams,
        updates,
        metrics,
      },
      telemetry,
    );
    context.defer(async () => {
      news.close();
      await streams.close();
      await app.close();
    });
    return {};
  },
});
