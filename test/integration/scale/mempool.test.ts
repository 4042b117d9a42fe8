import { GetTransaction, partitionOfTransaction } from "@soma/contracts";
import { AccountKey } from "@soma/identity";
import { Bus, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MempoolClient } from "../mempool/mempool-client.ts";
import {
  CommitChain,
  genesisOf,
  operatorFiles,
  seedOf,
  signed,
  transfer,
  validatorKeys,
} from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";
import { ReplicaProcess } from "./replica-process.ts";

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const SENDERS = 48;
const payers = Array.from({ length: SENDERS }, (_, i) => AccountKey.fromSeed(seedOf(`payer ${i}`)));
const PARTITIONS = "soma_mempool_partitions";

/** One validator's state, with a test in the place of its gateway and its consensus. */
async function operator(network: string, variables: Record<string, string> = {}) {
  const databaseUrl = await postgres.createDatabase(network);
  const files = await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1), {}, payers), 0);
  const platform = { operator: "v0", network, servers: nats.url, databaseUrl, logLevel: "error" as const };
  const source = await CommitSource.open(resources, { network, servers: nats.url, chain: new CommitChain() });
  resources.use(await ServiceHost.open({ platform, services: [state], env: files }));
  const gateway = resources.use(
    await Bus.open({ servers: nats.url, name: "gateway", network, telemetry: Telemetry.silent("gateway") }),
  );
  const env = {
    ...files,
    SOMA_NETWORK: network,
    SOMA_OPERATOR: "v0",
    SOMA_NATS_URL: nats.url,
    SOMA_DATABASE_URL: databaseUrl,
    SOMA_MEMPOOL_LEASE: "1s",
    SOMA_MEMPOOL_HEARTBEAT: "200ms",
    ...variables,
  };
  const start = () => ReplicaProcess.start(resources, "mempool", env);
  return {
    source,
    start,
    gateway: await MempoolClient.open(gateway),
    other: await MempoolClient.open(source.bus),
  };
}

/** Sends transfers of every payer in order, each until it is accepted; gives the digests that were acknowledged. */
class Load {
  readonly acknowledged: string[] = [];
  readonly #mempool: MempoolClient;
  readonly #next = payers.map(() => 0n);

  constructor(mempool: MempoolClient) {
    this.#mempool = mempool;
  }

  /** `count` transactions of each payer. */
  async send(count: number): Promise<void> {
    await Promise.all(payers.map((_, i) => this.#sendOf(i, count)));
  }

  async #sendOf(payer: number, count: number): Promise<void> {
    const key = payers[payer]!;
    for (let n = 0; n < count; n++) {
      const { bytes, digest } = signed(key, this.#next[payer]!, transfer(payers[0]!.address, 1n));
      await eventually(
        async () => {
          const answer = await this.#mempool.trySubmit(bytes, 2_000);
          if (!answer.ok) throw new Error(answer.code);
          if (answer.value.accepted) this.acknowledged.push(digest);
          // One that was stored by a replica which died over the answer may have executed meanwhile.
          else if (answer.value.code !== "MEMPOOL_SEQUENCE_STALE") throw new Error(answer.value.code);
          return true;
        },
        { within: 60_000, every: 50 },
      );
      this.#next[payer]! += 1n;
    }
  }
}

/** Puts what waits into commits, as consensus does, until it is stopped. */
function decideAll(source: CommitSource, mempool: MempoolClient): { stop(): Promise<void> } {
  let running = true;
  const deciding = (async () => {
    while (running) {
      const batch = await mempool.take(64);
      if (batch.length > 0) await source.decide(batch);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    stop: () => {
      running = false;
      return deciding;
    },
  };
}

/** Resolves when the ledger has executed everything that was acknowledged. */
async function executed(source: CommitSource, { acknowledged }: Load): Promise<void> {
  await eventually(
    async () => {
      for (const digest of acknowledged) {
        const { status, refusal } = await source.ask(GetTransaction, { digest });
        expect([digest, status === "unknown", refusal]).toEqual([digest, false, ""]);
      }
      return true;
    },
    { within: 60_000, every: 500 },
  );
}

test("replicas share the senders, one is killed and nothing acknowledged is lost, one joins and takes its part", async () => {
  const { source, start, gateway, other } = await operator("scale");
  const partitions = (replica: ReplicaProcess) => replica.metric(PARTITIONS);
  const admitted = (replica: ReplicaProcess) =>
    replica.metric("soma_mempool_transactions_submitted_total", { outcome: "admitted" });
  const taken = (replica: ReplicaProcess) => replica.metric("soma_mempool_transactions_taken_total");

  const first = await start();
  expect(await partitions(first)).toBe(16);
  const second = await start();
  await eventually(async () => {
    expect([await partitions(first), await partitions(second)]).toEqual([8, 8]);
    return true;
  });

  // What went to the wrong one comes back, each in its place.
  const [here, ...rest] = payers.map((payer) => signed(payer, 90n, transfer(payers[0]!.address, 1n)).bytes);
  const mixed = await other.submitAll(partitionOfTransaction(here!), [here!, ...rest]);
  const codes = mixed.ok ? mixed.value.map(({ Refused }) => Refused?.code ?? "admitted") : [];
  expect([codes[0], new Set(codes)]).toEqual(["admitted", new Set(["admitted", "MEMPOOL_ELSEWHERE"])]);

  // The same transaction through two doors is one.
  const twice = signed(payers[1]!, 100n, transfer(payers[0]!.address, 1n));
  const answers = await Promise.all([gateway.submit(twice.bytes), other.submit(twice.bytes)]);
  expect(answers.map((answer) => answer.accepted && answer.known).sort()).toEqual([false, true]);
  expect(await gateway.admission(twice.digest)).toMatchObject({ status: "waiting" });

  const consensus = decideAll(source, other);
  const load = new Load(gateway);
  await load.send(4);
  expect(Math.min(await admitted(first), await admitted(second))).toBeGreaterThan(SENDERS);
  await eventually(async () => Math.min(await taken(first), await taken(second)) > SENDERS);

  const before = load.acknowledged.length;
  const sending = load.send(12);
  await eventually(() => load.acknowledged.length > before + 2 * SENDERS);
  await first.kill();
  await sending;
  expect(await partitions(second)).toBe(16);
  // What waited with the dead one waits with the other.
  expect(await gateway.submit(twice.bytes)).toMatchObject({ accepted: true, known: true });

  const third = await start();
  await eventually(async () => {
    expect([await partitions(second), await partitions(third)]).toEqual([8, 8]);
    return true;
  });
  await load.send(4);
  expect(await admitted(third)).toBeGreaterThan(SENDERS);
  await eventually(async () => (await taken(third)) > SENDERS);
  // One that is told to stop leaves its part without waiting for anybody to miss it.
  await second.kill("SIGTERM");
  await load.send(1);
  expect(await partitions(third)).toBe(16);

  await executed(source, load);
  await consensus.stop();
  expect(load.acknowledged.length).toBeGreaterThan(20 * SENDERS);
  expect(new Set(load.acknowledged).size).toBe(load.acknowledged.length);
});

test("a replica that hangs loses its senders to the other, and begins anew when it wakes", async () => {
  const { source, start, gateway, other } = await operator("hangs", { SOMA_MEMPOOL_REPLICA_TIMEOUT: "1s" });
  const [first, second] = [await start(), await start()];
  const parts = async () => [await first.metric(PARTITIONS), await second.metric(PARTITIONS)];
  await eventually(async () => (await parts()).join() === "8,8");
  const load = new Load(gateway);
  await load.send(2);
  first.signal("SIGSTOP");
  await eventually(async () => (await second.metric(PARTITIONS)) === 16);
  // What comes to the hanging one is sent again; what it stored before waits with the other.
  const consensus = decideAll(source, other);
  await load.send(2);
  first.signal("SIGCONT");
  await eventually(async () => (await parts()).join() === "8,8");
  await load.send(2);
  await executed(source, load);
  await consensus.stop();
});
