import { concatBytes } from "@soma/base";
import { GetCheckpoint, GetHead, PeerMessageReceived, SendToPeer } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import { EVERYBODY, genesisEpoch, verifyCertificate } from "@soma/protocol";
import { ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  CHAIN_ID,
  CommitChain,
  genesisOf,
  operatorFiles,
  people,
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

const keys = validatorKeys(4);
const genesis = genesisOf(keys);
const order = keys.map((key) => key.account.address);

interface Member {
  readonly source: CommitSource;
  readonly start: () => Promise<ServiceHost>;
  isCut: boolean;
}

/** Four operators, each with its own network on one server; the test carries envelopes as peering would. */
async function committee(name: string, tamper?: (from: number, body: Uint8Array) => Uint8Array) {
  const chain = new CommitChain();
  const members: Member[] = [];
  const carried: string[] = [];
  for (const [i] of keys.entries()) {
    const network = `${name}-${i}`;
    const env = await operatorFiles(await resources.folder(), genesis, i);
    const source = await CommitSource.open(resources, { network, servers: nats.url, chain });
    const platform = {
      operator: `v${i}`,
      network,
      servers: nats.url,
      databaseUrl: await postgres.createDatabase(`${name}_${i}`),
      logLevel: "error" as const,
    };
    const start = async () =>
      resources.use(
        await ServiceHost.open({
          platform,
          services: [state],
          env: { ...env, SOMA_STATE_RESEND_INTERVAL: "200ms" },
        }),
      );
    members.push({ source, start, isCut: false });
    for (const type of ["checkpoint-signature", "checkpoint-request", "checkpoint-response"] as const) {
      await source.bus.subscribe(SendToPeer, { type }, async ({ recipient, body }) => {
        if (members[i]!.isCut) return;
        carried.push(`${i} ${type}`);
        const sent = type === "checkpoint-signature" && tamper !== undefined ? tamper(i, body) : body;
        for (const [j, to] of members.entries()) {
          if (j === i || to.isCut || (recipient !== EVERYBODY && recipient !== order[j])) continue;
          await to.source.bus.publish(PeerMessageReceived, { type }, { sender: order[i]!, body: sent });
        }
      });
    }
  }
  const decide = async (transactions: Uint8Array[] = [], to = members) => {
    const index = chain.next(transactions);
    for (const { source } of to) await source.publish(index);
    return index;
  };
  const certifies = (i: number, commit: bigint) =>
    eventually(
      async () => {
        const found = await members[i]!.source.ask(GetCheckpoint, { sequence: null });
        return found !== null && found.checkpoint.commitIndex >= commit ? found : false;
      },
      { within: 20_000 },
    );
  return { chain, members, carried, decide, certifies };
}

test("a quorum certifies in spite of a false signature, and one that was away catches up by certificates", async () => {
  // Validator 3 signs something else at first.
  let lies = true;
  const { members, carried, decide, certifies } = await committee("quorum", (from, body) => {
    if (from !== 3 || !lies) return body;
    // The signature stands at the end of the body.
    return concatBytes(body.subarray(0, -96), keys[3]!.bls.sign(body));
  });
  const hosts = await Promise.all(members.map(({ start }) => start()));
  const epoch = genesisEpoch(genesis);
  if (!epoch.ok) throw new Error(epoch.code);
  for (let i = 0; i < 8; i++) {
    await decide([signed(people[0]!, BigInt(i), transfer(people[1]!.address, 1n)).bytes]);
  }
  for (const i of [0, 1, 2, 3]) {
    const certified = await certifies(i, 8n);
    expect(verifyCertificate(CHAIN_ID, certified, epoch.value, nativeVerifier)).toEqual({
      ok: true,
      value: true,
    });
  }
  // Validator 2 is cut off while the others go on, for which they need 3 to be truthful.
  lies = false;
  members[2]!.isCut = true;
  for (let i = 8; i < 16; i++) await decide();
  await eventually(async () => (await members[2]!.source.ask(GetHead, {})).commit === 16n);
  await certifies(0, 16n);
  const stuck = await members[2]!.source.ask(GetCheckpoint, { sequence: null });
  expect(stuck!.checkpoint.commitIndex).toBeLessThan(16n);
  members[2]!.isCut = false;
  const certified = await certifies(2, 16n);
  expect(certified).toEqual(
    await members[0]!.source.ask(GetCheckpoint, { sequence: certified.checkpoint.sequence }),
  );
  expect(carried.filter((entry) => entry.endsWith("checkpoint-request")).length).toBeGreaterThan(0);
  await Promise.all(hosts.map((host) => host.close()));
});

test("a validator whose ledger is not the certified one stops", async () => {
  const { chain, members, decide, certifies } = await committee("diverges");
  const others = members.slice(0, 3);
  const hosts = await Promise.all(others.map(({ start }) => start()));
  await decide([signed(people[0]!, 0n, transfer(people[1]!.address, 1n)).bytes], others);
  for (let i = 0; i < 7; i++) await decide([], others);
  await certifies(0, 8n);
  // The last one is fed another transaction under the same commits, as if its own disk had failed it.
  chain.commits[0]!.transactions = [signed(people[0]!, 0n, transfer(people[1]!.address, 2n)).bytes];
  const diverging = await members[3]!.start();
  expect(await diverging.failure).toMatchObject({ code: "STATE_DIVERGED" });
  await Promise.all([...hosts, diverging].map((host) => host.close()));
});
