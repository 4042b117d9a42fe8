import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "@soma/base";
import { EmbeddingsRecorded, type RequestMessage } from "@soma/contracts";
import { service as gateway } from "@soma/gateway";
import { freePort } from "@soma/launcher";
import { service as pool } from "@soma/pool";
import { Bus, type Platform, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { Database } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import type { NatsServer, PostgresServer, TestResources } from "@soma/testkit";
import { genesisOf, operatorFiles, validatorKeys } from "../state/chain.ts";
import { type RecordedJob, rotationFiles } from "./recorded.ts";

interface EmbeddingTables {
  embeddings: { job: string; commit: bigint; payload: Uint8Array };
}

/** A validator's state and pool on a real server and database; what the ledger recorded, the test writes. */
export class PoolOperator {
  readonly bus: Bus;
  readonly folder: string;
  readonly #platform: Platform;
  readonly #env: Record<string, string>;
  readonly #database: Database<EmbeddingTables>;
  #pool: ServiceHost | undefined;

  private constructor(
    bus: Bus,
    folder: string,
    platform: Platform,
    env: Record<string, string>,
    database: Database<EmbeddingTables>,
  ) {
    this.bus = bus;
    this.folder = folder;
    this.#platform = platform;
    this.#env = env;
    this.#database = database;
  }

  /** State runs; the pool does not yet. */
  static async open(
    resources: TestResources,
    servers: { nats: NatsServer; postgres: PostgresServer; network: string },
  ): Promise<PoolOperator> {
    const { nats, postgres, network } = servers;
    const folder = await resources.folder();
    const files = await operatorFiles(folder, genesisOf(validatorKeys(1)), 0);
    const rotation = join(folder, "rotation");
    await mkdir(rotation);
    const { json, bytes } = rotationFiles();
    await writeFile(join(rotation, "rotation.json"), json);
    await writeFile(join(rotation, "rotation.bin"), bytes);
    const env = { ...files, SOMA_POOL_ROTATION: rotation, SOMA_POOL_INDEX_BLOCK: "256" };
    const platform: Platform = {
      operator: "v0",
      network,
      servers: nats.url,
      databaseUrl: await postgres.createDatabase(network),
      logLevel: "error",
    };
    resources.use(await ServiceHost.open({ platform, services: [state], env }));
    const telemetry = Telemetry.silent("test");
    const bus = resources.use(await Bus.open({ servers: nats.url, name: "state", network, telemetry }));
    const database = resources.use(
      await Database.open<EmbeddingTables>({ url: platform.databaseUrl!, schema: "state", telemetry }),
    );
    const operator = new PoolOperator(bus, files["SOMA_DATA"]!, platform, env, database);
    resources.defer(() => operator.stopPool());
    return operator;
  }

  async startPool(change: Record<string, string> = {}): Promise<void> {
    const env = { ...this.#env, ...change };
    this.#pool = await ServiceHost.open({ platform: this.#platform, services: [pool], env });
  }

  /** The validator's HTTP door; returns its URL. */
  async startGateway(resources: TestResources): Promise<string> {
    const port = await freePort();
    const env = { ...this.#env, SOMA_GATEWAY_PORT: String(port) };
    resources.use(await ServiceHost.open({ platform: this.#platform, services: [gateway], env }));
    return `http://127.0.0.1:${port}`;
  }

  async stopPool(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
  }

  /** The ledger records jobs; with `announce` it also says so. */
  async record(jobs: readonly RecordedJob[], announce = false): Promise<void> {
    for (const { payload } of jobs) {
      await this.#database.kysely
        .insertInto("embeddings")
        .values({ job: payload.job, commit: payload.commit, payload: EmbeddingsRecorded.encode(payload) })
        .execute();
    }
    if (announce) for (const { payload } of jobs) await this.bus.publish(EmbeddingsRecorded, {}, payload);
  }

  ask<P, R>(message: RequestMessage<P, R, never>, payload: P): Promise<Result<R>> {
    return this.bus.request(message, {}, payload, { timeoutMs: 30_000 });
  }
}
