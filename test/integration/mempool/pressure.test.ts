import { service as mempool } from "@soma/mempool";
import { transactionDigest } from "@soma/protocol";
import { ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { TestResources } from "@soma/testkit";
import { afterAll, expect, test } from "vitest";
import {
  CHAIN_ID,
  CommitChain,
  genesisOf,
  operatorFiles,
  people,
  signed,
  transfer,
  validatorKeys,
} from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";
import { MempoolClient } from "./mempool-client.ts";

const resources = new TestResources();
afterAll(() => resources.close());

test("a full pool says which tip passes, lets that one in, and tells why another went, after a restart too", async () => {
  const network = "pressure";
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  const env = {
    ...(await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1)), 0)),
    SOMA_MEMPOOL_TRANSACTIONS: "4",
  };
  const platform = {
    operator: "v0",
    network,
    servers: nats.url,
    databaseUrl: await postgres.createDatabase(network),
    logLevel: "error" as const,
  };
  const source = await CommitSource.open(resources, {
    network,
    servers: nats.url,
    chain: new CommitChain(),
  });
  resources.use(await ServiceHost.open({ platform, services: [state], env }));
  let host = await ServiceHost.open({ platform, services: [mempool], env });
  resources.defer(() => host.close());
  const client = await MempoolClient.open(source.bus);

  const [rich, modest, late] = [people[0]!, people[1]!, people[2]!];
  const pay = (from: typeof rich, sequence: bigint, tip: bigint) =>
    signed(from, sequence, transfer(people[7]!.address, 1n), tip);
  const waiting = [0n, 1n, 2n].map((sequence) => pay(rich, sequence, 2_000n));
  const single = pay(modest, 0n, 2_000n);
  for (const { bytes } of [...waiting, single]) {
    expect(await client.submit(bytes)).toMatchObject({ accepted: true });
  }
  const refused = await client.submit(pay(late, 0n, 10n).bytes);
  expect(refused).toMatchObject({ accepted: false, code: "MEMPOOL_TIP_LOW", minimumTip: 2_000n });
  expect(refused).toHaveProperty("message", expect.stringContaining("at least 2000"));
  expect(await client.submit(pay(late, 0n, 1_999n).bytes)).toMatchObject({
    accepted: false,
    code: "MEMPOOL_FULL",
  });
  const newcomer = pay(late, 0n, 2_000n);
  expect(await client.submit(newcomer.bytes)).toMatchObject({ accepted: true });
  const replacing = pay(modest, 0n, 2_200n);
  expect(await client.submit(replacing.bytes)).toMatchObject({ accepted: true });

  const told = async () => ({
    evicted: await client.admission(waiting[2]!.digest),
    replaced: await client.admission(single.digest),
    waiting: await client.admission(newcomer.digest),
    unknown: await client.admission("ab".repeat(32)),
  });
  const expected = {
    evicted: { status: "departed", reason: "evicted", by: newcomer.digest },
    replaced: { status: "departed", reason: "replaced", by: replacing.digest },
    waiting: { status: "waiting", reason: null },
    unknown: { status: "unknown", reason: null },
  };
  expect(await told()).toMatchObject(expected);
  await host.close();
  host = await ServiceHost.open({ platform, services: [mempool], env });
  expect(await told()).toMatchObject(expected);
  const taken = (await client.take()).map((bytes) => transactionDigest(CHAIN_ID, bytes));
  const left = [waiting[0]!, waiting[1]!, newcomer, replacing].map(({ digest }) => digest);
  expect(taken.sort()).toEqual(left.sort());

  // A commit of another validator carries something else under a sequence number that waits here.
  await source.decide([pay(rich, 0n, 0n).bytes]);
  await expect
    .poll(() => client.admission(waiting[0]!.digest), { timeout: 20_000 })
    .toMatchObject({ status: "departed", reason: "sequence-used" });
});
