import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { toHex, utf8 } from "@soma/base";
import {
  EvaluationFailed,
  EvaluationRequested,
  EvaluationStream,
  JobEvaluated,
  type Payload,
} from "@soma/contracts";
import { merkleRoot, sha256 } from "@soma/crypto";
import { embeddingDigest, evaluateReveals } from "@soma/protocol";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, TestResources } from "@soma/testkit";
import { testBlob } from "@soma/testkit/receipt";
import { afterAll, beforeAll, expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../../../services/scorer/src/main.ts");
const CHAIN = "test";
const masksOfItem = [8, 8, 3];
const dimension = 256;
const hash = (name: string) => toHex(sha256(utf8(name)));
const encoders = ["a", "b", "c", "d", "e"].map(hash).sort();

const resources = new TestResources();
const blobs = new Map<string, Uint8Array>();
const held = new Set<string>();
const asked: string[] = [];
let nats: NatsServer;
let bus: Bus;
let gateway: string;
let folder: string;
const evaluated: Payload<typeof JobEvaluated>[] = [];
const failed: Payload<typeof EvaluationFailed>[] = [];

beforeAll(async () => {
  nats = await resources.nats();
  folder = await resources.folder();
  const server: Server = createServer((request, response) => {
    const name = request.url!.split("/").at(-1)!;
    asked.push(name);
    if (held.has(name)) return;
    const blob = blobs.get(name);
    if (blob === undefined) response.writeHead(404).end();
    else response.writeHead(200).end(blob);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  bus = resources.use(
    await Bus.open({
      servers: nats.url,
      name: "encoder",
      network: "test",
      telemetry: Telemetry.silent("encoder"),
    }),
  );
  await bus.subscribe(JobEvaluated, {}, (message) => void evaluated.push(message));
  await bus.subscribe(EvaluationFailed, {}, (message) => void failed.push(message));
});
afterAll(() => resources.close());

/** Starts a scorer in a process of its own; what it returns kills it. */
function startScorer(): () => Promise<void> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH ?? "",
      SOMA_NETWORK: "test",
      SOMA_OPERATOR: "e0",
      SOMA_NATS_URL: nats.url,
      SOMA_DATA: folder,
      SOMA_PEER_NETWORKS: "127.0.0.0/8",
      SOMA_SCORER_REDELIVER_AFTER: "1s",
      SOMA_SCORER_FETCH_ROUNDS: "2",
    },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  resources.defer(kill);
  return kill;
}

function requestOf(name: string) {
  const job = hash(name);
  const all = encoders.map((encoder, i) => ({
    encoder,
    blob: testBlob({ job, encoder, dimension, masksOfItem, truth: 5, own: i, noise: 0.05 + 0.02 * i }),
  }));
  const base = {
    chainId: CHAIN,
    job,
    selection: hash(`${name} selection`),
    bundle: hash(`${name} bundle`),
    beacon: hash(`${name} beacon`),
    masksOfItem,
    dimension,
    meanNormSquared: 2048n * 2048n,
    selected: [...encoders].reverse(),
  };
  const reveals = all.map(({ encoder, blob }) => ({
    encoder,
    embeddingDigest: embeddingDigest(CHAIN, blob),
    vectors: toHex(sha256(blob)),
  }));
  return { all, base, request: { ...base, ask: 1, reveals, gateways: [gateway] } };
}

test("evaluates what was revealed, says whose vectors are missing, and outlives its worker", async () => {
  const kill = startScorer();

  const whole = requestOf("whole");
  for (const { blob } of whole.all) blobs.set(toHex(sha256(blob)), blob);
  await bus.publish(EvaluationRequested, {}, whole.request);
  const answer = await eventually(() => evaluated.find(({ job }) => job === whole.base.job) ?? false, {
    within: 30_000,
  });
  const expected = evaluateReveals({ ...whole.base, reveals: whole.all });
  if (!expected.ok) throw new Error(expected.message);
  expect(answer.result).toEqual(expected.value.result);
  expect(Uint8Array.from(answer.finals)).toEqual(expected.value.finals);
  const finals = Uint8Array.from(answer.finals);
  const leaves = masksOfItem.map((_, i) => finals.subarray(2 * dimension * i, 2 * dimension * (i + 1)));
  expect(toHex(merkleRoot(leaves))).toBe(answer.result.finalsRoot);

  const hidden = requestOf("hidden");
  const [absent, swapped, ...served] = hidden.all;
  for (const { blob } of served) blobs.set(toHex(sha256(blob)), blob);
  // One encoder's address leads to other vectors than it revealed.
  const other = testBlob({
    job: hidden.base.job,
    encoder: swapped!.encoder,
    dimension,
    masksOfItem,
    truth: 6,
    own: 9,
    noise: 0.1,
  });
  blobs.set(toHex(sha256(other)), other);
  const reveals = hidden.request.reveals.map((reveal) =>
    reveal.encoder === swapped!.encoder ? { ...reveal, vectors: toHex(sha256(other)) } : reveal,
  );
  await bus.publish(EvaluationRequested, {}, { ...hidden.request, reveals });
  const refusal = await eventually(() => failed.find(({ job }) => job === hidden.base.job) ?? false, {
    within: 15_000,
  });
  expect(refusal).toEqual({
    job: hidden.base.job,
    bundle: hidden.base.bundle,
    missing: [absent!.encoder, swapped!.encoder],
  });

  const survivor = requestOf("survivor");
  for (const { blob } of survivor.all) blobs.set(toHex(sha256(blob)), blob);
  const [slow] = survivor.request.reveals;
  held.add(slow!.vectors);
  await bus.publish(EvaluationRequested, {}, survivor.request);
  await eventually(() => asked.includes(slow!.vectors));
  await kill();
  held.clear();
  expect(evaluated.some(({ job }) => job === survivor.base.job)).toBe(false);
  startScorer();
  await eventually(() => evaluated.some(({ job }) => job === survivor.base.job), { within: 30_000 });
  await eventually(async () => (await bus.streamState(EvaluationStream)).messages === 0);
}, 90_000);
