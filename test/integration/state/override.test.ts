import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok } from "@soma/base";
import { encode } from "@soma/codec";
import { GetAccount, GetEpoch, GetHead, SettleEpoch, StateStatus } from "@soma/contracts";
import { service as gateway } from "@soma/gateway";
import { createKeyFile } from "@soma/identity";
import { freePort } from "@soma/launcher";
import { SettlementCodec, SettlementInputCodec } from "@soma/protocol";
import { service as rewards } from "@soma/rewards";
import { settleEpoch } from "@soma/rewards/core";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHAIN_ID, genesisOf, people, seedOf, signed, transfer, validatorKeys } from "./chain.ts";
import { type Member, openCommittee } from "./committee.ts";
import { runSoma } from "./soma-command.ts";

// The rehearsal of shared/docs/runbooks/halt-and-override.md, with the operators' own command.

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const keys = validatorKeys(4);
const genesis = genesisOf(keys, { epochLength: 5_000n });
const addresses = keys.map((key) => key.account.address);

const soma = (network: string, ...args: readonly string[]) => runSoma(nats.url, network, args);

const override = (network: string, ...args: readonly string[]) => soma(network, "override", ...args);

/** How a gateway answers a transaction. */
async function submitted(url: string, bytes: Uint8Array) {
  const headers = { "content-type": "application/octet-stream" };
  const answer = await fetch(`${url}/v1/transactions`, { method: "POST", headers, body: Buffer.from(bytes) });
  const problem = (await answer.json()) as { code: string; [member: string]: unknown };
  return {
    ...problem,
    halt: problem["halt"],
    status: answer.status,
    retryAfter: answer.headers.get("retry-after"),
  };
}

/** A release of rewards that gives away more than the emission. */
async function settlesFalsely({ source }: Member): Promise<void> {
  await source.bus.respond(SettleEpoch, {}, ({ epoch, inputDigest, input }) => {
    const settled = settleEpoch(CHAIN_ID, SettlementInputCodec.parse(input));
    if (!settled.ok) return err(settled.code, settled.message);
    const payments = [{ account: people[0]!.address, amount: 1n << 60n }];
    return ok({ epoch, inputDigest, settlement: encode(SettlementCodec, { ...settled.value, payments }) });
  });
}

test("a settlement that no ledger takes halts all; a quorum's override moves them on alike", async () => {
  const port = await freePort();
  const { members, chain, decide, certifies } = await openCommittee({
    resources,
    nats,
    postgres,
    name: "halts",
    genesis,
    addresses,
    env: { SOMA_STATE_OVERRIDE_INTERVAL: "300ms", SOMA_GATEWAY_PORT: String(port) },
  });
  const hosts = await Promise.all(members.map(({ start }) => start()));
  hosts.push(await members[0]!.start([gateway]));
  const url = `http://127.0.0.1:${port}`;
  const payment = signed(people[0]!, 1n, transfer(people[1]!.address, 1n)).bytes;
  // Nobody is the mempool here: what is not refused for the halt finds nobody.
  expect(await submitted(url, payment)).toMatchObject({ status: 503, code: "REQUEST_NO_RESPONDER" });
  for (const member of members) await settlesFalsely(member);
  await decide([signed(people[0]!, 0n, transfer(people[1]!.address, 5n)).bytes]);
  const closing = await decide([], members, 6_000n);
  const halts = (i: number) =>
    eventually(async () => (await members[i]!.source.ask(StateStatus, {})).halt ?? false, { within: 20_000 });
  const { network } = members[0]!;
  const points = await Promise.all(members.map((_, i) => halts(i)));
  for (const point of points) {
    const { ageMs: _, ...rest } = point;
    const { ageMs: __, ...first } = points[0]!;
    expect(rest).toEqual(first);
  }
  expect(points[0]).toMatchObject({
    stage: "settlement",
    code: "SETTLEMENT_SUM",
    commit: closing,
    epoch: 0n,
  });
  // It says why, and answers questions from what is written: the closing commit is written with its settlement.
  expect(hosts[0]!.health()).toMatchObject({
    ok: false,
    services: { state: { state: "ready", halt: { code: "SETTLEMENT_SUM", stage: "settlement" } } },
  });
  const asked = await members[0]!.source.ask(GetAccount, { address: people[1]!.address });
  expect(asked.commit).toBe(closing - 1n);
  expect(await members[0]!.source.ask(GetEpoch, { epoch: 1n })).toBeNull();

  // So does the gateway, to clients and to whoever looks after the network.
  await eventually(async () => (await submitted(url, payment)).code === "GATEWAY_HALTED");
  const refused = await submitted(url, payment);
  expect(refused).toMatchObject({ status: 503, retryAfter: "10" });
  expect(refused.halt).toEqual({ stage: "settlement", code: "SETTLEMENT_SUM", commit: String(closing) });
  expect(await (await fetch(`${url}/v1/state`)).json()).toMatchObject({
    halt: { stage: "settlement", code: "SETTLEMENT_SUM", stateDigest: points[0]!.stateDigest },
  });
  const shown = JSON.parse(await soma(network, "status", "--json", "-g", url));
  expect(shown).toMatchObject({ healthy: false, gateways: [{ halt: { commit: String(closing) } }] });
  expect(shown.findings.find(({ code }: { code: string }) => code === "STATUS_HALTED").text).toContain(
    `the settlement of commit ${closing} (SETTLEMENT_SUM`,
  );

  // A restart ends nothing: what was executed is executed again, and halts again at the same point.
  await hosts[1]!.close();
  hosts[1] = await members[1]!.start();
  expect(await halts(1)).toMatchObject({ commit: closing, stateDigest: points[0]!.stateDigest });

  // The operators' part: one drafts, each signs its own copy, one combines and applies.
  const folder = await resources.folder();
  const at = (name: string) => join(folder, name);
  for (const i of keys.keys()) createKeyFile(at(`key-${i}.json`), "validator", seedOf(`validator ${i}`));
  expect(await override(network, "status")).toContain(`settlement of commit ${closing}`);
  expect(await override(network, "make", "--out", at("draft.json"), "--omit", seedOf("any"))).toBe(
    "OVERRIDE_STAGE",
  );
  expect(await override(network, "make", "--out", at("0.json"))).toContain("0 payments");
  for (const i of [1, 2]) await override(network, "combine", at("0.json"), "--out", at(`${i}.json`));
  for (const i of [0, 1, 2]) {
    expect(await override(network, "sign", at(`${i}.json`), "--key", at(`key-${i}.json`))).toContain(
      addresses[i]!,
    );
  }
  // Another override of the same point is not signed by a key that has signed one.
  const pay = at("pay.json");
  await writeFile(pay, JSON.stringify({ payments: [{ account: people[0]!.address, amount: "1" }] }));
  await override(network, "make", "--out", at("other.json"), "--pay", pay);
  expect(await override(network, "sign", at("other.json"), "--key", at("key-0.json"))).toBe(
    "OVERRIDE_SIGNED",
  );
  expect(await override(network, "combine", at("0.json"), at("other.json"), "--out", at("x.json"))).toBe(
    "CLI_OVERRIDE_DIFFERS",
  );

  // Short, then forged: refused with their codes, and nothing moves.
  await override(network, "combine", at("0.json"), at("1.json"), "--out", at("short.json"));
  expect(await override(network, "apply", at("short.json"))).toBe("OVERRIDE_STAKE");
  const short = JSON.parse(await readFile(at("short.json"), "utf8"));
  const [stolen] = short.signatures;
  const forged = { ...short, signatures: [...short.signatures, { ...stolen, validator: addresses[3] }] };
  await writeFile(at("forged.json"), JSON.stringify(forged));
  expect(await override(network, "apply", at("forged.json"))).toBe("OVERRIDE_SIGNATURE");
  expect((await members[0]!.source.ask(StateStatus, {})).halt).not.toBeNull();

  // The last one is away when the override goes round, and asks for it when it is back.
  members[3]!.isCut = true;
  await override(network, "combine", ...[0, 1, 2].map((i) => at(`${i}.json`)), "--out", at("whole.json"));
  expect(await override(network, "apply", at("whole.json"))).toContain("applied");
  for (const i of [0, 1, 2]) {
    await eventually(async () => (await members[i]!.source.ask(GetEpoch, { epoch: 1n })) ?? false);
  }
  expect(await override(network, "apply", at("whole.json"))).toContain("known");
  expect((await members[3]!.source.ask(StateStatus, {})).halt).not.toBeNull();
  members[3]!.isCut = false;
  await eventually(async () => (await members[3]!.source.ask(StateStatus, {})).halt === null);

  await eventually(async () => (await submitted(url, payment)).code === "REQUEST_NO_RESPONDER");
  expect(await (await fetch(`${url}/v1/state`)).json()).toMatchObject({ halt: null });

  // The epoch after goes on by the rules, certified by all, with one state.
  chain.epoch = 1n;
  let last = 0n;
  for (let i = 0; i < 8; i++) last = await decide();
  const certified = await Promise.all(members.map((_, i) => certifies(i, last)));
  expect(new Set(certified.map(({ checkpoint }) => checkpoint.stateDigest)).size).toBe(1);
  const heads = await Promise.all(members.map(({ source }) => source.ask(GetHead, {})));
  for (const { epoch, supply } of heads) {
    expect(epoch).toBe(1n);
    expect(supply).toEqual(heads[0]!.supply);
  }
  expect(hosts[0]!.health().ok).toBe(true);
  await Promise.all(hosts.map((host) => host.close()));
}, 300_000);

test("a settlement that comes right by itself ends the halt without an override", async () => {
  const { members, decide } = await openCommittee({
    resources,
    nats,
    postgres,
    name: "mends",
    genesis: genesisOf(keys.slice(0, 1), { epochLength: 5_000n }),
    addresses: addresses.slice(0, 1),
    env: { SOMA_STATE_SETTLEMENT_PATIENCE: "200ms" },
  });
  const [member] = members as [Member];
  const host = await member.start();
  await decide([], members, 6_000n);
  const halt = await eventually(async () => (await member.source.ask(StateStatus, {})).halt ?? false);
  expect(halt.code).toMatch(/^REQUEST_/);
  const settling = await member.start([rewards]);
  await eventually(async () => (await member.source.ask(GetEpoch, { epoch: 1n })) ?? false);
  expect((await member.source.ask(StateStatus, {})).halt).toBeNull();
  await settling.close();
  await host.close();
}, 60_000);
