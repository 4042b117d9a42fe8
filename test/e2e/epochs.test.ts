import type { OperatorPlan } from "@soma/cli";
import { type GatewayClient, sendAndWait } from "@soma/client";
import { bitmapIndices, decodeSignedTransaction, genesisParameters, type Hex32, TOKEN } from "@soma/protocol";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runJob } from "./support/jobs.ts";
import { agreedCheckpoint, clientOfOne, TestNetwork, totalSupply } from "./support/network.ts";
import { register, unregister } from "./support/operators.ts";

// Short epochs (CONS-10): jobs across their changes, operators that come and go, one ledger for all of them.

const BASE_PORT = 5450;
const EPOCH_MS = 8_000n;

const resources = new TestResources();
let network: TestNetwork;
let cap: bigint;
/** Gateways of the validators that are in the committee now. */
let committee: GatewayClient[];
const validatorPlan = (name: string) => planned(network.devnet.plan.operators, name);

function planned(operators: readonly OperatorPlan[], name: string): OperatorPlan {
  const found = operators.find((operator) => operator.name === name);
  if (found === undefined) throw new Error(`no operator is called ${name}`);
  return found;
}

const clientOf = (operator: OperatorPlan) => clientOfOne(`http://127.0.0.1:${operator.gatewayPort}`);

beforeAll(async () => {
  network = await TestNetwork.open(resources, {
    validators: 4,
    encoders: 6,
    guests: { validators: 1, encoders: 1 },
    basePort: BASE_PORT,
    processes: "operator",
    parameters: { epochLength: EPOCH_MS },
  });
  committee = network.clients;
  const parameters = genesisParameters(network.devnet.genesis);
  if (!parameters.ok) throw new Error(parameters.message);
  cap = parameters.value.supplyCap;
}, 300_000);
afterAll(() => resources.close(), 120_000);

async function epochNow(): Promise<bigint> {
  return (await network.devnet.client.head()).epoch;
}

/** Waits until the ledger is `epochs` further than now. */
async function passEpochs(epochs: bigint): Promise<void> {
  const target = (await epochNow()) + epochs;
  await eventually(async () => (await epochNow()) >= target, { within: 120_000, every: 200 });
}

async function activeValidators(client = network.devnet.client): Promise<Set<Hex32>> {
  const { validators } = await client.operators();
  return new Set(validators.filter(({ active }) => active).map(({ id }) => id));
}

/** Encoders that a finished job's result names. */
async function encodersOfJob(): Promise<Set<Hex32>> {
  const { verified } = await runJob(network);
  return new Set(verified.result.scores.map(({ encoder }) => encoder));
}

async function checkLedger(): Promise<void> {
  await agreedCheckpoint(committee);
  for (const client of committee) expect(await totalSupply(client)).toBe(cap);
}

test("jobs go on over several epoch changes", async () => {
  network.tellOnFailure();
  const first = await epochNow();
  let crossed = 0;
  for (let jobs = 0; jobs < 12 && (crossed === 0 || (await epochNow()) < first + 3n); jobs++) {
    const before = await epochNow();
    const { verified } = await runJob(network);
    expect(verified.result.winner).not.toBeNull();
    if ((await epochNow()) > before) crossed += 1;
  }
  expect(await epochNow()).toBeGreaterThanOrEqual(first + 3n);
  expect(crossed).toBeGreaterThan(0);
  await checkLedger();
}, 240_000);

test("a fifth validator registers, joins at the next epoch, proposes and signs", async () => {
  const joiner = network.guests.find(({ kind }) => kind === "validator")!;
  network.tellOnFailure(joiner.name);
  await register(network, joiner, 1_000n * TOKEN);
  await network.devnet.startOperator(joiner);
  const registeredIn = await epochNow();
  await eventually(async () => (await activeValidators()).has(joiner.id), { within: 60_000, every: 200 });
  expect((await epochNow()) - registeredIn).toBeLessThanOrEqual(2n);

  const own = clientOf(joiner);
  const head = await network.devnet.client.head();
  await eventually(async () => (await own.head()).commit >= head.commit, { within: 120_000, every: 200 });
  committee = [...committee, own];

  // Only its own blocks carry what its own mempool holds.
  const { chainId } = network.devnet.genesis;
  const { wallet } = network;
  const { sequence } = await network.devnet.client.account(wallet.address);
  const transaction = wallet.sign({
    chainId,
    sequence,
    expiryEpoch: (await epochNow()) + 4n,
    tip: 0n,
    kind: { Transfer: { to: joiner.id, amount: TOKEN } },
  });
  expect(decodeSignedTransaction(transaction.bytes).ok).toBe(true);
  await sendAndWait(own, transaction, 60_000);
  expect((await network.devnet.client.account(wallet.address)).sequence).toBe(sequence + 1n);

  await eventually(async () => {
    const members = [...(await activeValidators())].sort();
    const newest = await network.devnet.client.checkpoint();
    if (newest === undefined || members.length !== 5) return false;
    const signers = bitmapIndices(newest.signers, members.length);
    return signers.ok && signers.value.includes(members.indexOf(joiner.id));
  });
  await checkLedger();
}, 240_000);

test("an encoder registers and is chosen, another leaves and is not", async () => {
  const joiner = network.guests.find(({ kind }) => kind === "encoder")!;
  const leaver = planned(network.devnet.plan.operators, "e0");
  network.tellOnFailure(joiner.name, leaver.name);
  await register(network, joiner, 200n * TOKEN);
  await network.devnet.startOperator(joiner);
  await passEpochs(2n);
  await eventually(async () => (await encodersOfJob()).has(joiner.id), { within: 120_000, every: 10 });

  await unregister(network, leaver);
  await passEpochs(2n);
  const encoders = await encodersOfJob();
  expect(encoders.has(leaver.id)).toBe(false);
  expect(encoders.has(joiner.id)).toBe(true);
  await checkLedger();
}, 300_000);

test("a validator unregisters and leaves, and the rest go on", async () => {
  const leaver = validatorPlan("v3");
  network.tellOnFailure(leaver.name);
  await unregister(network, leaver);
  await eventually(async () => !(await activeValidators()).has(leaver.id), { within: 60_000, every: 200 });
  committee = committee.filter(({ http }) => http.gateway !== `http://127.0.0.1:${leaver.gatewayPort}`);
  expect(committee).toHaveLength(4);
  await network.devnet.process("v3").stop(5_000);

  const { epoch, commit } = await network.devnet.client.head();
  expect((await encodersOfJob()).size).toBeGreaterThan(0);
  await passEpochs(2n);
  const after = await network.devnet.client.head();
  expect(after.epoch).toBeGreaterThan(epoch);
  expect(after.commit).toBeGreaterThan(commit);
  expect((await activeValidators()).has(leaver.id)).toBe(false);
  await checkLedger();
}, 240_000);
