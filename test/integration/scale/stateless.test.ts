import { join } from "node:path";
import { encode } from "@soma/codec";
import { GetShard, GetSizing, type RequestMessage, SearchPool, SettleEpoch } from "@soma/contracts";
import { SettlementInputCodec, settlementInputDigest } from "@soma/protocol";
import { Bus, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { Telemetry } from "@soma/telemetry";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHAIN_ID, genesisOf, operatorFiles, validatorKeys } from "../state/chain.ts";
import { ReplicaProcess } from "./replica-process.ts";

const resources = new TestResources();
afterAll(() => resources.close());

const network = "stateless";
let env: Record<string, string>;
let servers: string;

beforeAll(async () => {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  servers = nats.url;
  const databaseUrl = await postgres.createDatabase(network);
  const files = await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1)), 0);
  const platform = { operator: "v0", network, servers, databaseUrl, logLevel: "error" as const };
  resources.use(await ServiceHost.open({ platform, services: [state], env: files }));
  env = {
    ...files,
    SOMA_NETWORK: network,
    SOMA_OPERATOR: "v0",
    SOMA_NATS_URL: servers,
    SOMA_DATABASE_URL: databaseUrl,
  };
});

const job = "ab".repeat(32);
const settlement = {
  epoch: 3n,
  unminted: 1_000_000n,
  emissionFraction: 1n << 120n,
  burned: 1_000n,
  feesBurned: 400n,
  shares: { validatorsBps: 3_000, inclusionBps: 1_000, embeddingBps: 3_500 },
  validators: [{ operator: job, stake: 300n, commissionBps: 1_000, earns: true }],
  inclusion: [{ author: job, transactions: 3n, earns: true }],
  winners: [],
};
const settle = {
  epoch: settlement.epoch,
  inputDigest: settlementInputDigest(CHAIN_ID, settlement),
  input: encode(SettlementInputCodec, settlement),
};
const search = SearchPool.payload.decode(
  new TextEncoder().encode(JSON.stringify({ vector: [1, 2, 3], limit: 5 })),
);

/** Each with a question that every replica answers alike, and who asks it. */
const cases: readonly [
  service: string,
  asker: string,
  message: RequestMessage<never, unknown, never>,
  question: unknown,
][] = [
  ["shard-selection", "gateway", GetSizing as never, {}],
  ["shard-selection", "gateway", GetShard as never, { job, attempt: 0 }],
  ["rewards", "state", SettleEpoch as never, settle],
  ["pool", "gateway", SearchPool as never, search.ok ? search.value : undefined],
];

test.each(cases)(
  "replicas of %s share what %s asks, one is killed and all is answered, one joins and takes its part",
  async (service, asker, message, question) => {
    const bus = resources.use(
      await Bus.open({ servers, name: asker, network, telemetry: Telemetry.silent(asker) }),
    );
    const folder = await resources.folder();
    let started = 0;
    const start = () =>
      ReplicaProcess.start(resources, service, { ...env, SOMA_DATA: join(folder, String(started++)) });
    const handled = (replica: ReplicaProcess) => replica.handled(message.name);
    const answers = new Set<string>();
    let answered = 0;
    /** `count` questions, twenty at a time; one whose replica died over it is asked again. */
    const ask = async (count: number) => {
      let left = count;
      const asking = async () => {
        while (left-- > 0) {
          await eventually(
            async () => {
              const answer = await bus.request(message, {}, question as never, { timeoutMs: 2_000 });
              if (!answer.ok) throw new Error(answer.code);
              answers.add(Buffer.from(message.reply.encode(answer.value)).toString("hex"));
              return true;
            },
            { within: 60_000 },
          );
          answered++;
        }
      };
      await Promise.all(Array.from({ length: 20 }, asking));
    };

    const [first, second] = await Promise.all([start(), start()]);
    await ask(200);
    expect(Math.min(await handled(first), await handled(second))).toBeGreaterThan(20);

    const before = answered;
    const asking = ask(400);
    await eventually(() => answered > before + 40);
    await first.kill();
    await asking;

    const third = await start();
    await ask(200);
    expect(Math.min(await handled(second), await handled(third))).toBeGreaterThan(20);
    expect(answered).toBe(800);
    expect(answers.size).toBe(1);
    await Promise.all([second.kill("SIGTERM"), third.kill("SIGTERM")]);
  },
);
