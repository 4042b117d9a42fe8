import { SomaError } from "@soma/base";
import { gatewaysOf } from "@soma/cli";
import { type JobStage, LedgerFollower } from "@soma/client";
import { drawCommit, genesisParameters, type Hex32 } from "@soma/protocol";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerWatch, runJob } from "./support/jobs.ts";
import { agreedCheckpoint, TestNetwork, totalSupply } from "./support/network.ts";
import { readyAgainAfter, tableOf } from "./support/recovery.ts";

// kill -9 of one process, each service in a process of its own, inside each stage of a job (issue 2, "Faults").
// SOMA_FAULTS=all tries every service in every stage.

const BASE_PORT = 5500;
const STAGES = ["paid", "drawn", "received", "committed", "selected", "revealed", "bundled"] as const;
const VALIDATOR_SERVICES = [
  "state",
  "rewards",
  "mempool",
  "consensus",
  "peering",
  "shard-selection",
  "pool",
  "gateway",
];
const ENCODER_SERVICES = ["peering", "scorer", "encoder"];

interface Kill {
  readonly stage: JobStage;
  readonly victim: string;
}

/** Every service of a validator and of an encoder, every stage; the first gateway is a mailbox of the client. */
const CHOSEN: readonly Kill[] = [
  { stage: "paid", victim: "v1-consensus" },
  { stage: "paid", victim: "v2-shard-selection" },
  { stage: "drawn", victim: "e0-encoder" },
  { stage: "received", victim: "e1-peering" },
  { stage: "committed", victim: "v0-mempool" },
  { stage: "selected", victim: "v1-state" },
  { stage: "selected", victim: "v3-pool" },
  { stage: "revealed", victim: "v0-gateway" },
  { stage: "revealed", victim: "v2-rewards" },
  { stage: "bundled", victim: "e2-scorer" },
  { stage: "bundled", victim: "v0-peering" },
];

function everyKill(): Kill[] {
  return STAGES.flatMap((stage, i) => [
    ...VALIDATOR_SERVICES.map((service, j) => ({ stage, victim: `v${(i + j) % 4}-${service}` })),
    ...ENCODER_SERVICES.map((service, j) => ({ stage, victim: `e${(i + j) % 8}-${service}` })),
  ]);
}

/** How GAME-9 ends a job that no final proof closed. */
const RESOLVED = ["Settled", "Shared", "Refunded"];

const KILLS = process.env["SOMA_FAULTS"] === "all" ? everyKill() : CHOSEN;

const resources = new TestResources();
const rows: string[][] = [["stage", "killed", "ready again", "job done", "all in step", "outcome"]];
let network: TestNetwork;
let watch: LedgerWatch;
let cap: bigint;

beforeAll(async () => {
  network = await TestNetwork.open(resources, {
    validators: 4,
    encoders: 8,
    basePort: BASE_PORT,
    processes: "service",
  });
  watch = new LedgerWatch(gatewaysOf(network.devnet.plan), network.devnet.genesis);
  resources.use(watch);
  const parameters = genesisParameters(network.devnet.genesis);
  if (!parameters.ok) throw new Error(parameters.message);
  cap = parameters.value.supplyCap;
}, 300_000);
afterAll(async () => {
  console.log(`\nkill -9, seconds from the kill\n${tableOf(rows)}\n`);
  await resources.close();
}, 120_000);

const seconds = (ms: number) => (ms / 1000).toFixed(1);

/** Runs a job and kills when the stage begins; says how the job ended and how long everything took. */
async function jobWithKill(
  stage: JobStage,
  victim: string,
  kill: () => void,
  readyAfter: (since: number) => number | undefined,
): Promise<string> {
  let killedAt = 0;
  let id: Hex32 | undefined;
  const outcome = await runJob(network, (reached, job) => {
    id ??= job;
    if (reached !== stage) return;
    killedAt = Date.now();
    kill();
  }).then(
    ({ verified }) => {
      expect(verified.result.winner).not.toBeNull();
      return "settled";
    },
    (error: unknown) => {
      if (error instanceof SomaError && error.code === "JOB_NOT_SETTLED")
        return String(error.details["outcome"]);
      throw error;
    },
  );
  const doneAt = Date.now();
  expect(killedAt, `the job never reached ${stage}`).toBeGreaterThan(0);
  const ready = await eventually(() => readyAfter(killedAt) ?? false, { within: 60_000, every: 100 });
  await agreedCheckpoint(network.clients);
  const inStep = Date.now();
  // The ledger closed it, and what it holds still adds up.
  const end = await eventually(() => watch.ended.get(id!) ?? false, { within: 30_000 });
  expect(end.outcome.$kind.toLowerCase()).toBe(outcome.toLowerCase());
  expect(await totalSupply(network.devnet.client)).toBe(cap);
  rows.push([stage, victim, seconds(ready), seconds(doneAt - killedAt), seconds(inStep - killedAt), outcome]);
  return outcome;
}

describe("one process killed in one stage", () => {
  test.each(KILLS)(
    "$victim when $stage: the job finishes and all agree",
    async ({ stage, victim }) => {
      network.tellOnFailure(victim);
      const supervised = network.devnet.process(victim);
      const restarts = supervised.restarts;
      const outcome = await jobWithKill(
        stage,
        victim,
        () => supervised.kill(),
        (since) => readyAgainAfter(network.folder, victim, since),
      );
      expect(outcome).toBe("settled");
      expect(supervised.restarts).toBe(restarts + 1);
    },
    180_000,
  );
});

describe("one server killed", () => {
  test.each([
    { stage: "received", victim: "v1-nats" },
    { stage: "committed", victim: "e3-nats" },
    { stage: "selected", victim: "postgres" },
  ] as const)(
    "$victim when $stage: the job ends and all agree",
    async ({ stage, victim }) => {
      network.tellOnFailure(victim);
      const server = network.devnet.server(victim);
      const restarts = server.restarts;
      let startedAgain: number | undefined;
      const outcome = await jobWithKill(
        stage,
        victim,
        () => server.kill(),
        (since) => {
          if (server.restarts > restarts) startedAgain ??= Date.now() - since;
          return startedAgain;
        },
      );
      // The laptop's one Postgres is every operator's: without it nobody can go on, and GAME-9 may end the job instead.
      expect(outcome).toBeOneOf(victim === "postgres" ? ["settled", ...RESOLVED] : ["settled"]);
    },
    240_000,
  );
});

describe("beyond redundancy", () => {
  test("with half of the encoders gone for good, the escrow comes back less 5 % at GAME-9's commit", async () => {
    network.tellOnFailure();
    const parameters = genesisParameters(network.devnet.genesis);
    if (!parameters.ok) throw new Error(parameters.message);
    await Promise.all(
      ["e0", "e1", "e2", "e3"].map((name) => network.devnet.process(`${name}-encoder`).stop(0)),
    );
    let id: Hex32 | undefined;
    const ended = runJob(network, (_, job) => {
      id ??= job;
    });
    await expect(ended).rejects.toMatchObject({ code: "JOB_NOT_SETTLED" });
    const { commit, outcome } = await eventually(() => watch.ended.get(id!) ?? false);
    const paid = watch.paidAt.get(id!)!;
    expect(commit).toBe(drawCommit(paid.commit, parameters.value.shardAttempts, parameters.value));
    const kept = (paid.escrow * BigInt(parameters.value.refundFeeBps)) / 10_000n;
    expect(outcome).toMatchObject({ Refunded: { refunded: paid.escrow - kept } });
    await agreedCheckpoint(network.clients);
    expect(await totalSupply(network.devnet.client)).toBe(cap);
  }, 300_000);
});

test("a light client that was away for all of it follows from the genesis to the end", async () => {
  const follower = LedgerFollower.open({ client: network.devnet.client, genesis: network.devnet.genesis });
  await follower.skipToPresent();
  const head = await network.devnet.client.head();
  expect(follower.light.head!.sequence).toBeGreaterThanOrEqual(head.checkpoint - 5n);
});
