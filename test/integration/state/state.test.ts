import {
  CheckpointCertified,
  CommitExecuted,
  EpochOpened,
  GetAccount,
  GetCheckpoint,
  GetCommitLeaf,
  GetEpoch,
  GetHandovers,
  GetHead,
  GetJob,
  GetLedgerUpdate,
  GetTransaction,
  ListEmbeddings,
  ListOperators,
  StateStatus,
} from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import {
  applyUpdate,
  decodeLedgerUpdate,
  type EpochInfo,
  genesisParameters,
  LightClient,
  provenLeaf,
} from "@soma/protocol";
import { service as rewards } from "@soma/rewards";
import { type Platform, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CHAIN_ID,
  CommitChain,
  genesisOf,
  operatorFiles,
  people,
  seedOf,
  signed,
  transfer,
  validatorKeys,
} from "./chain.ts";
import { CommitSource } from "./operator.ts";

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const validators = validatorKeys(1);

/** One validator's state with a consensus that the test plays. */
async function operator(network: string, genesis = genesisOf(validators)) {
  const env = await operatorFiles(await resources.folder(), genesis, 0);
  const platform: Platform = {
    operator: "v0",
    network,
    servers: nats.url,
    databaseUrl: await postgres.createDatabase(network),
    logLevel: "error",
  };
  const source = await CommitSource.open(resources, {
    network,
    servers: nats.url,
    chain: new CommitChain(),
  });
  const start = async (...services: Parameters<typeof ServiceHost.open>[0]["services"]) =>
    resources.use(await ServiceHost.open({ platform, services, env }));
  const head = () => source.ask(GetHead, {});
  const reaches = (commit: bigint) =>
    eventually(async () => ((await head()).commit === commit ? head() : false));
  const certifies = (commit: bigint) =>
    eventually(async () => {
      const certified = await source.ask(GetCheckpoint, { sequence: null });
      return certified !== null && certified.checkpoint.commitIndex >= commit ? certified : false;
    });
  return { source, start, head, reaches, certifies, genesis };
}

describe("the ledger of one validator", () => {
  test("executes commits, certifies checkpoints, and proves what it answers", async () => {
    const { source, start, head, reaches, certifies, genesis } = await operator("proves");
    const executed: string[] = [];
    const certified: bigint[] = [];
    await source.bus.subscribe(
      CommitExecuted,
      {},
      (told) => void executed.push(...told.transactions.map(({ digest }) => digest)),
    );
    await source.bus.subscribe(
      CheckpointCertified,
      {},
      ({ checkpoint }) => void certified.push(checkpoint.sequence),
    );
    await start(state);
    expect(await head()).toMatchObject({ chainId: CHAIN_ID, commit: 0n, checkpoint: 0n, epoch: 0n });

    const [from, to] = [people[0]!, people[1]!.address];
    const sent = [0n, 1n, 2n].map((sequence) => signed(from, sequence, transfer(to, 5n)));
    const forged = signed(from, 3n, transfer(to, 5n)).bytes;
    forged[forged.length - 1]! ^= 1;
    await source.decide([sent[1]!.bytes, sent[0]!.bytes, forged, sent[2]!.bytes]);
    for (let i = 0; i < 7; i++) await source.decide();
    await reaches(8n);
    const { checkpoint } = await certifies(8n);
    expect(checkpoint.sequence).toBeGreaterThanOrEqual(2n);
    expect(executed).toEqual(sent.map(({ digest }) => digest));
    await eventually(() => expect(certified.at(-1)).toBe(checkpoint.sequence));
    expect(certified).toEqual(certified.map((_, i) => BigInt(i + 1)));

    const account = await source.ask(GetAccount, { address: from.address });
    expect(account).toMatchObject({ exists: true, sequence: 3n, commit: 8n, stakes: [] });
    const parameters = genesisParameters(genesis);
    const { supply, stateDigest } = await head();
    const total = Object.values(supply).reduce((sum, part) => sum + part, 0n);
    expect(parameters.ok && parameters.value.supplyCap).toBe(total);
    expect(checkpoint.stateDigest).toBe(stateDigest);

    // A light client that knows the genesis alone follows, and takes the proofs.
    const begun = LightClient.fromGenesis(genesis, nativeVerifier);
    if (!begun.ok) throw new Error(begun.code);
    const client = begun.value;
    for (let sequence = 1n; sequence <= checkpoint.sequence; sequence++) {
      const part = await source.ask(GetLedgerUpdate, { sequence, part: 0 });
      const update = decodeLedgerUpdate(part!.update);
      if (!update.ok) throw new Error(update.code);
      expect(applyUpdate(client, update.value)).toMatchObject({ ok: true });
    }
    const view = await source.ask(GetTransaction, { digest: sent[0]!.digest });
    expect(view).toMatchObject({ status: "certified", commit: 1n, refusal: "", bytes: sent[0]!.bytes });
    const covering = await source.ask(GetCheckpoint, { sequence: view.checkpoint });
    const proof = {
      index: view.leafIndex!,
      leaf: view.leaf!,
      path: view.path!.map((p) => Uint8Array.from(p)),
    };
    expect(provenLeaf(covering!.checkpoint, proof)).toMatchObject({
      ok: true,
      value: { Transaction: { digest: sent[0]!.digest, commit: 1n, refusal: "" } },
    });
    const leaf = await source.ask(GetCommitLeaf, { commit: 8n });
    expect(leaf).toMatchObject({ checkpoint: checkpoint.sequence });

    expect(await source.ask(GetTransaction, { digest: seedOf("no such") })).toMatchObject({
      status: "unknown",
    });
    expect(await source.ask(GetJob, { job: seedOf("no such") })).toEqual({ commit: 8n, job: null });
    expect(await source.ask(GetCommitLeaf, { commit: 9n })).toBeNull();
    expect(await source.ask(GetLedgerUpdate, { sequence: checkpoint.sequence + 1n, part: 0 })).toBeNull();
    expect(await source.ask(ListEmbeddings, { afterCommit: 0n, limit: 8 })).toEqual({ jobs: [] });
    const operators = await source.ask(ListOperators, {});
    expect(operators.validators).toMatchObject([{ id: validators[0]!.account.address, active: true }]);
  });

  test("goes on after a restart, and asks for what it missed", async () => {
    const { source, start, head, reaches } = await operator("restarts");
    const host = await start(state);
    for (let i = 0; i < 6; i++) await source.decide();
    await reaches(6n);
    const before = await head();
    await host.close();
    // Lost on the way: the stream never holds 7 and 8.
    source.chain.next();
    source.chain.next([signed(people[0]!, 0n, transfer(people[1]!.address, 7n)).bytes]);
    await start(state);
    expect((await head()).commitDigest).toBe(before.commitDigest);
    expect((await head()).stateDigest).toBe(before.stateDigest);
    await reaches(8n);
    expect(source.asked).toContain(7n);
    // A gap shows at once when a later commit comes.
    source.chain.next();
    await source.decide();
    await reaches(10n);
    expect(source.asked).toContain(9n);
    // What comes twice changes nothing.
    await source.publish(3n, "twice");
    await source.publish(10n, "twice");
    await source.decide();
    await reaches(11n);
    expect((await source.ask(GetAccount, { address: people[0]!.address })).sequence).toBe(1n);
  });

  test("closes an epoch with the settlement of rewards, and opens the next by its certificate", async () => {
    const { source, start, reaches, head } = await operator(
      "epochs",
      genesisOf(validators, { epochLength: 5_000n }),
    );
    const opened: EpochInfo[] = [];
    await source.bus.subscribe(EpochOpened, {}, (info) => void opened.push(info));
    await start(state);
    await source.decide([signed(people[0]!, 0n, transfer(people[1]!.address, 1n), 3n).bytes]);
    const closing = await source.decide([], 5_000n);
    await eventually(async () => (await source.ask(StateStatus, {})).commit === closing);
    // Nobody settles yet: the closing commit is executed but not written, so that nothing is told of it.
    await eventually(async () => (await head()).commit === closing - 1n);
    expect(await source.ask(GetEpoch, { epoch: 1n })).toBeNull();
    const settling = await start(rewards);
    const next = await eventually(async () => (await source.ask(GetEpoch, { epoch: 1n })) ?? false);
    expect(next).toMatchObject({ epoch: 1n, lastCommit: closing });
    expect((await source.ask(GetEpoch, { epoch: null }))!.epoch).toBe(1n);
    await eventually(() => expect(opened.at(-1)).toEqual(next));
    const handovers = await source.ask(GetHandovers, { fromEpoch: 0n, limit: 4 });
    expect(handovers).toHaveLength(1);
    expect(handovers[0]!.info).toEqual(next);
    expect(handovers[0]!.certificate.checkpoint.commitIndex).toBe(closing);
    source.chain.epoch = 1n;
    await source.decide();
    await reaches(closing + 1n);
    expect((await head()).epoch).toBe(1n);
    await settling.close();
  });
});
