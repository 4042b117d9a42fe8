import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { Rng } from "@soma/base";
import { GetCheckpoint, GetHead } from "@soma/contracts";
import { service as rewards } from "@soma/rewards";
import { ServiceHost, sleep } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommitChain, genesisOf, operatorFiles, people, signed, transfer, validatorKeys } from "./chain.ts";
import { CommitSource } from "./operator.ts";

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const KILLS = 8;
const EPOCH_MS = 6_000n;
const genesis = genesisOf(validatorKeys(1), { epochLength: EPOCH_MS });

/** The same commits for every run: transfers, sometimes refused, over several epochs. */
function commits(): CommitChain {
  const chain = new CommitChain();
  const sequences = people.map(() => 0n);
  let epochStart = 0n;
  let elapsed = 0n;
  for (let i = 0; i < 300; i++) {
    const transactions = people.flatMap((from, p) => {
      if ((i + p) % 3 !== 0) return [];
      const amount = i % 11 === 0 ? 1n << 62n : BigInt(i + 1);
      return [
        signed(from, sequences[p]!++, transfer(people[(p + 1) % people.length]!.address, amount)).bytes,
      ];
    });
    elapsed += 60n;
    chain.next(transactions);
    // The commit that reaches the epoch's length is its last, and the next epoch starts at its time.
    if (elapsed - epochStart >= EPOCH_MS) {
      chain.epoch += 1n;
      epochStart = elapsed;
    }
  }
  return chain;
}

/** State as its own process, which can be killed. */
async function stateProcess(env: Record<string, string>) {
  const main = createRequire(import.meta.url)
    .resolve("@soma/state")
    .replace("index.ts", "main.ts");
  const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  child.stderr.on("data", (chunk) => {
    told += chunk;
  });
  const ended = once(child, "exit");
  return {
    told: () => told,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function digestsOf(source: CommitSource, last: bigint): Promise<string[]> {
  const digests: string[] = [];
  for (let sequence = 1n; sequence <= last; sequence++) {
    const certified = await source.ask(GetCheckpoint, { sequence });
    digests.push(`${certified!.checkpoint.commitIndex} ${certified!.checkpoint.stateDigest}`);
  }
  return digests;
}

/** Number of the first certified checkpoint that covers a commit: others may have followed it by now. */
async function certifiedFor(source: CommitSource, commit: bigint): Promise<bigint> {
  const certified = async (sequence: bigint | null) =>
    (await source.ask(GetCheckpoint, { sequence }))?.checkpoint;
  let first = await eventually(
    async () => {
      const newest = await certified(null);
      return newest !== undefined && newest.commitIndex >= commit ? newest.sequence : false;
    },
    { within: 60_000, every: 50 },
  );
  while (first > 1n && (await certified(first - 1n))!.commitIndex >= commit) first -= 1n;
  return first;
}

test("killed at any instant and started again, it makes the checkpoints of an undisturbed run", async () => {
  const chain = commits();
  const last = BigInt(chain.commits.length) - 4n;

  const env = await operatorFiles(await resources.folder(), genesis, 0);
  const calm = { operator: "v0", network: "calm", servers: nats.url, logLevel: "error" as const };
  const calmSource = await CommitSource.open(resources, { network: "calm", servers: nats.url, chain });
  const host = await ServiceHost.open({
    platform: { ...calm, databaseUrl: await postgres.createDatabase("calm") },
    services: [state, rewards],
    env,
  });
  for (const { commit } of chain.commits) await calmSource.publish(commit.index);
  const sequence = await certifiedFor(calmSource, last);
  const expected = await digestsOf(calmSource, sequence);
  await host.close();

  const network = "killed";
  const source = await CommitSource.open(resources, { network, servers: nats.url, chain });
  const settling = await ServiceHost.open({
    platform: { ...calm, network, databaseUrl: undefined },
    services: [rewards],
    env,
  });
  const variables = {
    ...env,
    SOMA_NETWORK: network,
    SOMA_OPERATOR: "v0",
    SOMA_NATS_URL: nats.url,
    SOMA_DATABASE_URL: await postgres.createDatabase("killed"),
    SOMA_LOG: "error",
  };
  const rng = new Rng(7);
  let published = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    const child = await stateProcess(variables);
    await source.ask(GetHead, {}, 60_000).catch((error: unknown) => {
      throw new Error(`state did not start: ${String(error)} ${child.told()}`);
    });
    const until = Math.min(chain.commits.length, published + 40);
    const killing = sleep(rng.below(150)).then(() => child.kill());
    for (; published < until; published++) await source.publish(BigInt(published + 1));
    await killing;
  }
  const survivor = await stateProcess(variables);
  for (; published < chain.commits.length; published++) await source.publish(BigInt(published + 1));
  expect(await certifiedFor(source, last)).toBe(sequence);
  expect(await digestsOf(source, sequence)).toEqual(expected);
  await survivor.kill();
  await settling.close();
});
