import { readFileSync } from "node:fs";
import type { OperatorPlan } from "@soma/cli";
import type { GatewayClient } from "@soma/client";
import { TOKEN } from "@soma/protocol";
import { sleep } from "@soma/runtime";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agreedCheckpoint, clientOfOne, TestNetwork } from "./support/network.ts";

// CONS-9: a validator that was away for thousands of commits, while the others go on under load.

const BASE_PORT = 7300;
const AWAY_COMMITS = 2_000n;
/** Memory that catching up may take beside that of a validator which was never away. */
const EXTRA_MEMORY = 256 * 1024 * 1024;
const METRICS_PORT = BASE_PORT + 90;

const resources = new TestResources();
let network: TestNetwork;
let away: OperatorPlan;
let others: GatewayClient[];

beforeAll(async () => {
  process.env["SOMA_METRICS_PORT"] = String(METRICS_PORT);
  network = await TestNetwork.open(resources, {
    validators: 4,
    encoders: 0,
    basePort: BASE_PORT,
    processes: "operator",
    parameters: { minRoundDelay: 5, epochLength: 86_400_000n },
  });
  away = network.devnet.plan.operators.find(({ name }) => name === "v3")!;
  others = network.clients.slice(0, 3);
}, 300_000);
afterAll(() => resources.close(), 120_000);

/** Transfers, one after another, through a gateway that stays; counts those that were taken. */
function load(client: GatewayClient) {
  const told = { taken: 0 };
  const stop = new AbortController();
  const running = (async () => {
    const { chainId } = network.devnet.genesis;
    let { sequence } = await client.account(network.wallet.address);
    while (!stop.signal.aborted) {
      const kind = { Transfer: { to: away.id, amount: TOKEN / 1_000n } };
      const signed = network.wallet.sign({ chainId, sequence, expiryEpoch: 1_000n, tip: 0n, kind });
      try {
        await client.submitTransaction(signed.bytes);
        sequence += 1n;
        told.taken += 1;
      } catch {
        // The pool takes so many of one sender: what is executed meanwhile makes room.
        await sleep(100, stop.signal);
        const next = (await client.account(network.wallet.address)).sequence;
        if (next > sequence) sequence = next;
      }
      await sleep(20, stop.signal);
    }
  })();
  return {
    told,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

function memoryOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}

/** A counter of the process that was started as the nth. */
async function counter(process: number, name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${METRICS_PORT + process}/metrics`);
  const lines = (await answer.text()).split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("catches up by certified commits while the others go on, in bounded memory", async () => {
  const { devnet } = network;
  const started = await load(others[0]!);
  const stoppedAt = (await clientOfOne(network.clients[3]!.http.gateway).head()).commit;
  await devnet.process("v3").stop(5_000);
  await devnet.server("v3-nats").stop();

  const commitsBegan = performance.now();
  const target = stoppedAt + AWAY_COMMITS;
  await eventually(async () => (await others[1]!.head()).commit >= target, { within: 600_000, every: 500 });
  const liveRate = Number(AWAY_COMMITS) / ((performance.now() - commitsBegan) / 1000);
  const takenAway = started.told.taken;
  expect(takenAway).toBeGreaterThan(100);

  await devnet.startOperator(away);
  const process = devnet.processes.at(-1)!;
  const index = devnet.processes.length - 1;
  network.tellOnFailure("v3");
  const began = performance.now();
  const own = clientOfOne(network.clients[3]!.http.gateway);
  let peak = 0;
  let first: bigint | undefined;
  const goal = (await others[0]!.head()).commit;
  await eventually(
    async () => {
      peak = Math.max(peak, memoryOf(process.pid!));
      const { commit } = await own.head();
      first ??= commit;
      return commit >= goal;
    },
    { within: 300_000, every: 200 },
  );
  const seconds = (performance.now() - began) / 1000;
  // Not only the past: it stands with the others, who went on meanwhile, and takes part again.
  await agreedCheckpoint([...others, own]);
  const besides = Math.max(...["v0", "v1", "v2"].map((name) => memoryOf(devnet.process(name).pid!)));
  const bytes = await counter(index, "soma_consensus_sync_bytes");
  const batches = await counter(index, "soma_consensus_sync_batches");
  await started.stop();
  console.log({
    away: `${goal - stoppedAt} commits`,
    transactions: takenAway,
    liveCommitsPerSecond: Number(liveRate.toFixed(1)),
    from: String(first),
    seconds: Number(seconds.toFixed(1)),
    commitsPerSecond: Number((Number(goal - stoppedAt) / seconds).toFixed(1)),
    mebibytes: Number((bytes / 1024 / 1024).toFixed(2)),
    batches,
    peakMebibytes: Math.round(peak / 1024 / 1024),
    othersMebibytes: Math.round(besides / 1024 / 1024),
  });
  expect(first).toBeLessThan(goal - AWAY_COMMITS / 2n);
  expect(batches).toBeGreaterThan(0);
  expect(peak).toBeLessThan(besides + EXTRA_MEMORY);
}, 900_000);
