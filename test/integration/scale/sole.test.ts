import { GetHead } from "@soma/contracts";
import { type AnyService, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommitChain, genesisOf, operatorFiles, validatorKeys } from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";
import { ReplicaProcess } from "./replica-process.ts";

const resources = new TestResources();
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await resources.postgres();
});
afterAll(() => resources.close());

async function operator(network: string) {
  const nats = await resources.nats();
  const databaseUrl = await postgres.createDatabase(network);
  const files = await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1)), 0);
  const platform = { operator: "v0", network, servers: nats.url, databaseUrl, logLevel: "silent" as const };
  const env = {
    ...files,
    SOMA_NETWORK: network,
    SOMA_OPERATOR: "v0",
    SOMA_NATS_URL: nats.url,
    SOMA_DATABASE_URL: databaseUrl,
  };
  const open = async (service: AnyService) =>
    resources.use(await ServiceHost.open({ platform, services: [service], env }));
  const start = (service: string) => ReplicaProcess.start(resources, service, env);
  const source = () => CommitSource.open(resources, { network, servers: nats.url, chain: new CommitChain() });
  return { open, start, source };
}

test("a second state refuses to start and harms nothing; when the first is killed, it may", async () => {
  const { open, start, source } = await operator("two_states");
  const first = await start("state");
  const commits = await source();
  await commits.decide();
  await expect(open(state)).rejects.toMatchObject({ code: "SERVICE_ALREADY_RUNNING" });
  await expect(open(state)).rejects.toThrow(/another state runs on this operator's database: stop it first/);
  const reaches = (commit: bigint) =>
    expect.poll(async () => (await commits.ask(GetHead, {})).commit, { timeout: 20_000 }).toBe(commit);
  await commits.decide();
  await reaches(2n);
  await first.kill();
  await open(state);
  await commits.decide();
  await reaches(3n);
});
