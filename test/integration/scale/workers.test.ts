import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { toHex, utf8 } from "@soma/base";
import {
  EvaluationRequested,
  EvaluationStream,
  InferenceCompleted,
  InferenceRequested,
  InferenceStream,
  JobEvaluated,
  type StreamDefinition,
} from "@soma/contracts";
import { sha256 } from "@soma/crypto";
import { embeddingDigest, encodeItems } from "@soma/protocol";
import { Bus } from "@soma/runtime";
import { BlobFolder } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { eventually, TestResources } from "@soma/testkit";
import { testBlob } from "@soma/testkit/receipt";
import { afterAll, expect, test } from "vitest";
import { genesisOf, operatorFiles, validatorKeys } from "../state/chain.ts";
import { ReplicaProcess } from "./replica-process.ts";

const ROOT = join(import.meta.dirname, "../../..");
const resources = new TestResources();
afterAll(() => resources.close());

const hash = (name: string) => toHex(sha256(utf8(name)));

/**
 * Work for a queue's workers: two share it, one is killed with some in hand and all is done, one joins and takes its
 * part.
 */
async function shareWork(options: {
  readonly bus: Bus;
  readonly message: string;
  readonly stream: StreamDefinition;
  readonly start: () => Promise<ReplicaProcess>;
  /** Puts work of these names into the queue. */
  readonly put: (names: readonly string[]) => Promise<void>;
  readonly done: ReadonlySet<string>;
}): Promise<void> {
  const { bus, message, stream, start, put, done } = options;
  const names = (phase: string, count: number) => Array.from({ length: count }, (_, i) => `${phase} ${i}`);
  const finished = (wanted: readonly string[]) =>
    eventually(
      () => {
        const missing = wanted.filter((name) => !done.has(hash(name)));
        if (missing.length > 0) throw new Error(`not done: ${missing.length}, ${missing[0]} first`);
        return true;
      },
      { within: 120_000, every: 50 },
    );
  const [first, second] = await Promise.all([start(), start()]);
  const shared = names("shared", 40);
  await put(shared);
  await finished(shared);
  expect(Math.min(await first.handled(message), await second.handled(message))).toBeGreaterThan(4);

  const orphaned = names("orphaned", 40);
  await put(orphaned);
  await eventually(() => orphaned.some((name) => done.has(hash(name))), { within: 60_000 });
  await first.kill();
  await finished(orphaned);

  const third = await start();
  const joined = names("joined", 40);
  await put(joined);
  await finished(joined);
  expect(Math.min(await second.handled(message), await third.handled(message))).toBeGreaterThan(4);
  await eventually(async () => (await bus.streamState(stream)).messages === 0, { within: 60_000 });
}

test("scorers", async () => {
  const nats = await resources.nats();
  const connection = { servers: nats.url, network: "scorers" };
  const bus = resources.use(
    await Bus.open({ ...connection, name: "encoder", telemetry: Telemetry.silent("encoder") }),
  );
  const blobs = new Map<string, Uint8Array>();
  const gateway = createServer((request, response) => {
    const blob = blobs.get(request.url!.split("/").at(-1)!);
    if (blob === undefined) response.writeHead(404).end();
    else response.writeHead(200).end(blob);
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  resources.defer(() => {
    gateway.closeAllConnections();
    gateway.close();
  });
  const gateways = [`http://127.0.0.1:${(gateway.address() as AddressInfo).port}`];
  const done = new Set<string>();
  await bus.subscribe(JobEvaluated, {}, ({ job }) => void done.add(job));

  const encoders = ["a", "b", "c", "d"].map(hash).sort();
  const masksOfItem = [8, 8, 8, 8];
  const dimension = 256;
  const put = async (names: readonly string[]) => {
    for (const name of names) {
      const job = hash(name);
      const reveals = encoders.map((encoder, own) => {
        const blob = testBlob({
          job,
          encoder,
          dimension,
          masksOfItem,
          truth: 5,
          own,
          noise: 0.05 + 0.02 * own,
        });
        blobs.set(toHex(sha256(blob)), blob);
        return { encoder, embeddingDigest: embeddingDigest("test", blob), vectors: toHex(sha256(blob)) };
      });
      await bus.publish(
        EvaluationRequested,
        {},
        {
          chainId: "test",
          job,
          ask: 1,
          selection: hash(`${name} selection`),
          bundle: hash(`${name} bundle`),
          beacon: hash(`${name} beacon`),
          masksOfItem,
          dimension,
          meanNormSquared: 2048n * 2048n,
          reveals,
          selected: encoders,
          gateways,
        },
      );
    }
  };
  await shareWork({
    bus,
    message: EvaluationRequested.name,
    stream: EvaluationStream,
    start: async () =>
      ReplicaProcess.start(resources, "scorer", {
        SOMA_NETWORK: connection.network,
        SOMA_OPERATOR: "e0",
        SOMA_NATS_URL: nats.url,
        SOMA_DATA: await resources.folder(),
        SOMA_PEER_NETWORKS: "127.0.0.0/8",
        SOMA_SCORER_REDELIVER_AFTER: "1s",
      }),
    put,
    done,
  });
});

test("inference workers", async () => {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  const databaseUrl = await postgres.createDatabase("workers");
  const folder = await resources.folder();
  const manifest = await import(join(ROOT, "models/tokenizer/manifest.json"), { with: { type: "json" } });
  const genesis = { ...genesisOf(validatorKeys(1)), textTokenizer: manifest.default.sha256 };
  const files = await operatorFiles(folder, genesis, 0);
  const bus = resources.use(
    await Bus.open({
      servers: nats.url,
      network: "workers",
      name: "encoder",
      telemetry: Telemetry.silent("encoder"),
    }),
  );
  const done = new Set<string>();
  await bus.subscribe(InferenceCompleted, {}, ({ job, outcome }) => {
    if (outcome.$kind === "Embedded") done.add(job);
  });
  // Workers of one operator share its blob folder.
  const own = await BlobFolder.open(join(files["SOMA_DATA"]!, "blobs"));
  const items = encodeItems([
    utf8("A cat sleeps in the warm window of an old house while rain falls outside."),
    utf8("The express train to the coast leaves from the third platform at noon."),
  ]);
  const data = await own.put(items);
  expect(data).toBe(createHash("sha256").update(items).digest("hex"));
  const put = async (names: readonly string[]) => {
    for (const name of names) {
      await bus.publish(
        InferenceRequested,
        {},
        {
          job: hash(name),
          attempt: 0,
          ask: 1,
          encoder: hash("encoder"),
          chainId: genesis.chainId,
          modality: 0,
          data,
          lastBlock: hash("last block"),
          beacon: hash(`${name} beacon`),
          masks: 8,
          maxTokens: 512,
          dimension: 256,
        },
      );
    }
  };
  await shareWork({
    bus,
    message: InferenceRequested.name,
    stream: InferenceStream,
    start: () =>
      ReplicaProcess.start(resources, "encoder", {
        ...files,
        SOMA_NETWORK: "workers",
        SOMA_OPERATOR: "e0",
        SOMA_NATS_URL: nats.url,
        SOMA_DATABASE_URL: databaseUrl,
        SOMA_ENCODER_ROLE: "worker",
        SOMA_ENCODER_MODEL: join(ROOT, "models/salience"),
        SOMA_ENCODER_TOKENIZER: join(ROOT, "models/tokenizer"),
        SOMA_ENCODER_REDELIVER_AFTER: "1s",
      }),
    put,
    done,
  });
});
