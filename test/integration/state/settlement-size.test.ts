import { join } from "node:path";
import { atOnce } from "@soma/base";
import { GetAccount, GetEpoch, MAX_SETTLEMENT_INPUT_BYTES, StateStatus } from "@soma/contracts";
import { service as gateway } from "@soma/gateway";
import { createKeyFile } from "@soma/identity";
import { freePort } from "@soma/launcher";
import { service as rewards } from "@soma/rewards";
import { service as state } from "@soma/state";
import { KeyedStore } from "@soma/state/core";
import { Database, WriteSet } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { heads, proven } from "../../../services/state/src/core/records.ts";
import { numberKey } from "../../../services/state/src/core/table.ts";
import type { StateTables } from "../../../services/state/src/shell/schema.ts";
import { genesisOf, people, seedOf, signed, transfer, validatorKeys } from "./chain.ts";
import { openCommittee } from "./committee.ts";
import { runSoma } from "./soma-command.ts";

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

/** A winner takes 58 bytes of a settlement's input. */
const WINNERS = Math.ceil(MAX_SETTLEMENT_INPUT_BYTES / 58) + 1;

/**
 * As if so many encoders had each won a job that was proven in this epoch: far more than the protocol seats, since their
 * jobs would take hours. Everything after is the service's own doing.
 */
async function haveManyWinners(databaseUrl: string): Promise<void> {
  const telemetry = Telemetry.silent("state");
  const database = await Database.open<StateTables>({ url: databaseUrl, schema: "state", telemetry });
  try {
    const head = heads.key("now");
    const { value } = await database.kysely
      .selectFrom("entry")
      .select("value")
      .where("key", "=", head)
      .executeTakeFirstOrThrow();
    const store = new KeyedStore();
    heads.put(store, { ...heads.decode(value), provenJobs: BigInt(WINNERS) }, "now");
    for (let i = 0; i < WINNERS; i++) {
      proven.put(store, { winner: seedOf(`winner ${i}`), burned: 1_000n }, numberKey(BigInt(i)));
    }
    const entries = atOnce(store.changes()).map(({ key, value: bytes }) => ({ key, value: bytes! }));
    await new WriteSet<StateTables>()
      .insert("entry", entries, { key: ["key"], update: ["value"] })
      .write(database);
  } finally {
    await database.close();
  }
}

test("a settlement too large to ask for halts where operators see it, and an override moves it on", async () => {
  const keys = validatorKeys(1);
  const port = await freePort();
  const { members, chain, decide, certifies } = await openCommittee({
    resources,
    nats,
    postgres,
    name: "too_large",
    genesis: genesisOf(keys, { epochLength: 5_000n }),
    addresses: keys.map((key) => key.account.address),
    env: { SOMA_STATE_OVERRIDE_INTERVAL: "300ms", SOMA_GATEWAY_PORT: String(port) },
  });
  const [member] = members as [(typeof members)[0]];
  const { network, source, databaseUrl } = member;
  const soma = (...args: readonly string[]) => runSoma(nats.url, network, args);
  const payee = people[1]!.address;
  const halted = () =>
    eventually(async () => (await source.ask(StateStatus, {})).halt ?? false, { within: 20_000 });

  let host = await member.start([state]);
  const before = await decide([signed(people[0]!, 0n, transfer(payee, 5n)).bytes]);
  await eventually(async () => (await source.ask(GetAccount, { address: payee })).commit === before);
  await host.close();
  await haveManyWinners(databaseUrl);
  host = await member.start([state]);
  // Rewards is there, and would settle what it is asked.
  const others = await member.start([rewards, gateway]);
  const url = `http://127.0.0.1:${port}`;

  const closing = await decide([], members, 6_000n);
  const halt = await halted();
  expect(halt).toMatchObject({
    stage: "settlement",
    code: "SETTLEMENT_TOO_LARGE",
    commit: closing,
    epoch: 0n,
  });
  expect(halt.message).toMatch(/^[0-9]+ bytes are more than a request takes$/);
  expect(host.health()).toMatchObject({
    ok: false,
    services: { state: { state: "ready", halt: { code: "SETTLEMENT_TOO_LARGE", stage: "settlement" } } },
  });
  // Nothing of the closing commit is written, and what is written is answered.
  expect((await source.ask(GetAccount, { address: payee })).commit).toBe(before);
  expect(await source.ask(GetEpoch, { epoch: 1n })).toBeNull();
  await eventually(async () => {
    const { halt: shown } = (await (await fetch(`${url}/v1/state`)).json()) as {
      halt: { code: string } | null;
    };
    return shown?.code === "SETTLEMENT_TOO_LARGE";
  });
  await eventually(async () => {
    const answer = await fetch(`${url}/v1/transactions`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.from(signed(people[0]!, 1n, transfer(payee, 1n)).bytes),
    });
    const { code, halt: why } = (await answer.json()) as { code: string; halt?: { code: string } };
    return answer.status === 503 && code === "GATEWAY_HALTED" && why?.code === "SETTLEMENT_TOO_LARGE";
  });
  expect(await soma("status", "-g", url)).toContain("SETTLEMENT_TOO_LARGE");
  expect(await soma("override", "status")).toContain("SETTLEMENT_TOO_LARGE");

  // A restart ends nothing.
  await host.close();
  host = await member.start([state]);
  expect(await halted()).toMatchObject({
    code: "SETTLEMENT_TOO_LARGE",
    commit: closing,
    stateDigest: halt.stateDigest,
  });

  const folder = await resources.folder();
  const [draft, key, whole] = ["draft.json", "key.json", "whole.json"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  createKeyFile(key, "validator", seedOf("validator 0"));
  expect(await soma("override", "make", "--out", draft)).toContain("0 payments");
  await soma("override", "sign", draft, "--key", key);
  await soma("override", "combine", draft, "--out", whole);
  expect(await soma("override", "apply", whole)).toContain("applied");
  await eventually(async () => (await source.ask(GetEpoch, { epoch: 1n })) ?? false);
  expect((await source.ask(StateStatus, {})).halt).toBeNull();
  expect(host.health().ok).toBe(true);

  // The next epoch has no such winners: it goes on and is settled by rewards.
  chain.epoch = 1n;
  let last = 0n;
  for (let i = 0; i < 4; i++) last = await decide();
  await certifies(0, last);
  await decide([], members, 6_000n);
  await eventually(async () => (await source.ask(GetEpoch, { epoch: 2n })) ?? false, { within: 20_000 });
  expect((await source.ask(StateStatus, {})).halt).toBeNull();
  await Promise.all([host.close(), others.close()]);
}, 120_000);
