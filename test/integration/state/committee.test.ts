import { concatBytes } from "@soma/base";
import { GetCheckpoint, GetHead } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import { genesisEpoch, verifyCertificate } from "@soma/protocol";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHAIN_ID, genesisOf, people, signed, transfer, validatorKeys } from "./chain.ts";
import { openCommittee } from "./committee.ts";

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

const committee = (name: string, tamper?: (from: number, body: Uint8Array) => Uint8Array) =>
  openCommittee({
    resources,
    nats,
    postgres,
    name,
    genesis,
    addresses: order,
    ...(tamper === undefined ? {} : { tamper }),
  });

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
