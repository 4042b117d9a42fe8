import { GetTransaction } from "@soma/contracts";
import { AccountKey } from "@soma/identity";
import { service as mempool } from "@soma/mempool";
import { TOKEN, transactionDigest } from "@soma/protocol";
import { ServiceHost } from "@soma/runtime";
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
} from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";
import { MempoolClient } from "./mempool-client.ts";

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const to = people[7]!.address;

/** State and mempool of one validator; the test is its consensus. */
async function operator(network: string, variables: Record<string, string> = {}) {
  const env = {
    ...(await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1)), 0)),
    ...variables,
  };
  const platform = {
    operator: "v0",
    network,
    servers: nats.url,
    databaseUrl: await postgres.createDatabase(network),
    logLevel: "error" as const,
  };
  const chain = new CommitChain();
  const source = await CommitSource.open(resources, { network, servers: nats.url, chain });
  const open = async (service: typeof state | typeof mempool) =>
    resources.use(await ServiceHost.open({ platform, services: [service], env }));
  const client = await MempoolClient.open(source.bus);
  const submit = (bytes: Uint8Array) => client.submit(bytes);
  const submitAll = async (partition: number, transactions: Uint8Array[]) => {
    const answer = await client.submitAll(partition, transactions);
    if (!answer.ok) throw new Error(answer.code);
    return answer.value;
  };
  const take = () => client.take();
  const digests = (batch: readonly Uint8Array[]) => batch.map((bytes) => transactionDigest(CHAIN_ID, bytes));
  return { source, open, submit, submitAll, take, digests, client };
}

describe("the mempool", () => {
  test("admits what the ledger would take, gives it to blocks in order, and lets it go when executed", async () => {
    const { source, open, submit, take, digests } = await operator("admits", { SOMA_MEMPOOL_LEASE: "300ms" });
    await open(state);
    await open(mempool);
    const [a, b] = [people[0]!, people[1]!];
    const first = [0n, 1n, 2n].map((sequence) => signed(a, sequence, transfer(to, 1n)));
    for (const { bytes, digest } of [first[2]!, first[0]!, first[1]!]) {
      expect(await submit(bytes)).toEqual({ accepted: true, digest, known: false });
    }
    expect(await submit(first[0]!.bytes)).toMatchObject({ accepted: true, known: true });
    const tipped = signed(b, 0n, transfer(to, 1n), 9n);
    expect(await submit(tipped.bytes)).toMatchObject({ accepted: true });

    const stranger = AccountKey.fromSeed(seedOf("nobody"));
    const forged = signed(a, 3n, transfer(to, 1n)).bytes;
    forged[forged.length - 1]! ^= 1;
    const refusals: [Uint8Array, string][] = [
      [Uint8Array.of(1, 2, 3), "MEMPOOL_MALFORMED"],
      [forged, "MEMPOOL_SIGNATURE"],
      [signed(stranger, 0n, transfer(to, 1n)).bytes, "MEMPOOL_ACCOUNT"],
      [signed(a, 3n, transfer(to, 1n), 11n * TOKEN).bytes, "MEMPOOL_BALANCE"],
      [signed(a, 900n, transfer(to, 1n)).bytes, "MEMPOOL_SEQUENCE_FAR"],
      [signed(a, 1n, transfer(to, 2n)).bytes, "MEMPOOL_SEQUENCE_TAKEN"],
    ];
    for (const [bytes, code] of refusals)
      expect(await submit(bytes)).toMatchObject({ accepted: false, code });

    const batch = await take();
    expect(digests(batch)).toEqual([tipped, ...first].map(({ digest }) => digest));
    expect(await take()).toEqual([]);
    // No commit carries two of them before the lease is over.
    await source.decide([batch[0]!, batch[1]!]);
    const again = await eventually(async () => {
      const some = await take();
      return some.length > 0 ? some : false;
    });
    expect(digests(again)).toEqual([first[1]!.digest, first[2]!.digest]);
    await source.decide(again);
    await eventually(
      async () => (await source.ask(GetTransaction, { digest: first[2]!.digest })).commit === 2n,
    );
    expect(await submit(first[0]!.bytes)).toMatchObject({ code: "MEMPOOL_SEQUENCE_STALE" });
    // The stranger is paid, and may then pay.
    await source.decide([signed(b, 1n, transfer(stranger.address, TOKEN)).bytes]);
    await eventually(async () => (await submit(signed(stranger, 0n, transfer(to, 1n)).bytes)).accepted);
  });

  test("says that something waits when it was asked in vain before, and not again while it is asked", async () => {
    const { open, submit, take, client } = await operator("says", { SOMA_MEMPOOL_HEARTBEAT: "1h" });
    await open(state);
    await open(mempool);
    expect(await take()).toEqual([]);
    const waiting = () => [...client.replicas.values()].map((announced) => announced.waiting);
    expect(waiting()).toEqual([0]);
    await submit(signed(people[0]!, 0n, transfer(to, 1n)).bytes);
    await eventually(() => waiting()[0] === 1);
    expect((await take()).length).toBe(1);
    // Whoever was given something comes back by itself.
    await submit(signed(people[1]!, 0n, transfer(to, 1n)).bytes);
    expect((await take()).length).toBe(1);
    expect(waiting()).toEqual([1]);
    // And after that was in vain, it is told once more.
    expect(await take()).toEqual([]);
    await submit(signed(people[2]!, 0n, transfer(to, 1n)).bytes);
    await eventually(() => waiting()[0] === 3);
  });

  test("keeps what it accepted over a restart, and drops what was executed meanwhile", async () => {
    const { source, open, submit, take, digests } = await operator("keeps");
    await open(state);
    const host = await open(mempool);
    const sent = people
      .slice(0, 4)
      .flatMap((from) => [0n, 1n].map((sequence) => signed(from, sequence, transfer(to, 1n))));
    const answers = await Promise.all(sent.map(({ bytes }) => submit(bytes)));
    expect(answers.every((answer) => answer.accepted)).toBe(true);
    const replacing = signed(people[0]!, 1n, transfer(to, 2n), 5n);
    expect(await submit(replacing.bytes)).toMatchObject({ accepted: true });
    await host.close();
    // While it is away a commit carries the transactions of two senders.
    await source.decide(sent.slice(2, 6).map(({ bytes }) => bytes));
    await eventually(
      async () => (await source.ask(GetTransaction, { digest: sent[5]!.digest })).commit === 1n,
    );
    await open(mempool);
    const expected = [sent[0]!, replacing, sent[6]!, sent[7]!].map(({ digest }) => digest);
    expect(new Set(digests(await take()))).toEqual(new Set(expected));
  });

  test("answers many at once each in its place, and keeps what waits of them over restarts", async () => {
    const { source, open, submit, submitAll, take, digests } = await operator("many", {
      SOMA_MEMPOOL_LEASE: "100ms",
      SOMA_MEMPOOL_RECONCILE_INTERVAL: "200ms",
    });
    await open(state);
    const host = await open(mempool);
    const sent = people
      .slice(0, 4)
      .flatMap((from) => [0n, 1n, 2n].map((sequence) => signed(from, sequence, transfer(to, 1n))));
    const gone = signed(people[4]!, 0n, transfer(to, 1n));
    const batch = [...sent, gone].map(({ bytes }) => bytes);
    const forged = Uint8Array.from(batch[0]!);
    forged[forged.length - 1]! ^= 1;
    const answers = await submitAll(0, [Uint8Array.of(1), ...batch, forged, batch[0]!]);
    expect(answers.map(({ Admitted, Refused }) => Refused?.code ?? Admitted!.known)).toEqual([
      "MEMPOOL_MALFORMED",
      ...batch.map(() => false),
      "MEMPOOL_SIGNATURE",
      true,
    ]);
    const replacing = signed(people[4]!, 0n, transfer(to, 1n), 9n);
    expect(await submit(replacing.bytes)).toMatchObject({ accepted: true });
    // Most of what was written together executes; what is left is written anew, and read from there.
    await source.decide(batch.slice(0, 9));
    await eventually(
      async () => (await source.ask(GetTransaction, { digest: sent[8]!.digest })).commit === 1n,
    );
    await new Promise((resolve) => setTimeout(resolve, 800));
    await host.close();
    const again = await open(mempool);
    const left = [...sent.slice(9), replacing].map(({ digest }) => digest);
    expect(new Set(digests(await take()))).toEqual(new Set(left));
    await again.close();
    await open(mempool);
    expect(new Set(digests(await take()))).toEqual(new Set(left));
  });

  test("lets go what the ledger will never execute, though nobody says so", async () => {
    const { source, open, submit, take } = await operator("stuck", {
      SOMA_MEMPOOL_LEASE: "100ms",
      SOMA_MEMPOOL_RECONCILE_INTERVAL: "200ms",
    });
    await open(state);
    await open(mempool);
    const from = people[0]!;
    // It could pay when it was admitted; then another of its transactions, never seen here, spends everything.
    const waiting = signed(from, 1n, transfer(to, 1n));
    expect(await submit(waiting.bytes)).toMatchObject({ accepted: true });
    await source.decide([signed(from, 0n, transfer(to, 10n * TOKEN - 1_500n)).bytes]);
    await eventually(async () => (await take()).length > 0);
    await eventually(async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return (await take()).length === 0;
    });
    expect(await submit(waiting.bytes)).toMatchObject({ accepted: false, code: "MEMPOOL_BALANCE" });
  });
});
