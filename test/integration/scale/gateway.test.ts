import { createHash } from "node:crypto";
import { PeerMessageReceived } from "@soma/contracts";
import { encodeJobMessage } from "@soma/protocol";
import { Bus, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { Telemetry } from "@soma/telemetry";
import { eventually, freePort, TestResources } from "@soma/testkit";
import { afterAll, expect, test } from "vitest";
import { genesisOf, operatorFiles, people, seedOf, signed, transfer, validatorKeys } from "../state/chain.ts";
import { ReplicaProcess } from "./replica-process.ts";

const resources = new TestResources();
afterAll(() => resources.close());

const network = "gateways";
const OCTETS = { "content-type": "application/octet-stream" };

/** A replica with its address, as a load balancer knows it. */
interface Gateway {
  readonly replica: ReplicaProcess;
  readonly url: string;
}

/** Sends each request to the next of the replicas, and to another when one does not answer. */
class Balancer {
  gateways: Gateway[] = [];
  #turn = 0;

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    return eventually(
      async () => {
        const { url } = this.gateways[this.#turn++ % this.gateways.length]!;
        const answer = await fetch(`${url}${path}`, init);
        if (answer.status >= 500 || answer.status === 429) throw new Error(`${answer.status} of ${path}`);
        return answer;
      },
      { within: 60_000 },
    );
  }
}

test("gateways share clients and peers, one is killed and nothing is lost, one joins and takes its part", async () => {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  const databaseUrl = await postgres.createDatabase(network);
  const files = await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1)), 0);
  const platform = { operator: "v0", network, servers: nats.url, databaseUrl, logLevel: "error" as const };
  resources.use(await ServiceHost.open({ platform, services: [state], env: files }));
  const env = {
    ...files,
    SOMA_NETWORK: network,
    SOMA_OPERATOR: "v0",
    SOMA_NATS_URL: nats.url,
    SOMA_DATABASE_URL: databaseUrl,
  };
  await ReplicaProcess.start(resources, "mempool", env);
  const peering = resources.use(
    await Bus.open({ servers: nats.url, name: "peering", network, telemetry: Telemetry.silent("peering") }),
  );
  const start = async (): Promise<Gateway> => {
    const port = await freePort();
    const replica = await ReplicaProcess.start(resources, "gateway", {
      ...env,
      SOMA_GATEWAY_PORT: String(port),
    });
    return { replica, url: `http://127.0.0.1:${port}` };
  };
  const served = ({ replica }: Gateway) => replica.metric("soma_gateway_request_duration_count");
  const relayed = ({ replica }: Gateway) =>
    replica.metric("soma_gateway_mailbox_messages_total", { outcome: "kept" });

  const balancer = new Balancer();
  const heads = (count: number) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        expect((await balancer.fetch("/v1/head")).status).toBe(200);
      }),
    );
  const { validator } = (await (async () => {
    balancer.gateways = [await start(), await start()];
    return (await balancer.fetch("/v1/health")).json();
  })()) as { validator: string };
  const [first, second] = balancer.gateways as [Gateway, Gateway];

  await heads(100);
  expect(Math.min(await served(first), await served(second))).toBeGreaterThan(20);

  // What came to one is at the other: a transaction, a blob, a seat holder's answer.
  const { bytes } = signed(people[0]!, 0n, transfer(people[1]!.address, 1n));
  const hand = (to: Gateway) =>
    fetch(`${to.url}/v1/transactions`, { method: "POST", headers: OCTETS, body: Buffer.from(bytes) });
  expect(await (await hand(first)).json()).toMatchObject({ known: false });
  expect(await (await hand(second)).json()).toMatchObject({ known: true });
  const blob = Buffer.from("items of a job");
  const hash = createHash("sha256").update(blob).digest("hex");
  const put = await fetch(`${first.url}/v1/blobs/${hash}`, { method: "PUT", headers: OCTETS, body: blob });
  expect(put.status).toBe(201);
  expect(Buffer.from(await (await fetch(`${second.url}/v1/blobs/${hash}`)).arrayBuffer())).toEqual(blob);

  const job = seedOf("job");
  const answer = async (from: number, count: number) => {
    for (let n = from; n < from + count; n++) {
      const encoder = seedOf(`encoder ${n}`);
      const receipt = { job, attempt: 0, encoder, dataHash: seedOf("data") };
      const message = { Receipt: { receipt, signature: new Uint8Array(64) } };
      const body = encodeJobMessage({ job, mailbox: validator, message });
      await peering.publish(PeerMessageReceived, { type: "job-message" }, { sender: encoder, body });
    }
  };
  const messages = async ({ url }: Gateway) => {
    const page = (await (await fetch(`${url}/v1/jobs/${job}/messages`)).json()) as { messages: unknown[] };
    return page.messages.length;
  };
  await answer(0, 60);
  await eventually(async () => (await messages(first)) === 60 && (await messages(second)) === 60);
  expect(Math.min(await relayed(first), await relayed(second))).toBeGreaterThan(5);

  const busy = heads(300);
  await first.replica.kill();
  await busy;
  expect(Buffer.from(await (await balancer.fetch(`/v1/blobs/${hash}`)).arrayBuffer())).toEqual(blob);
  expect(await messages(second)).toBe(60);

  const third = await start();
  balancer.gateways = [second, third];
  await heads(100);
  expect(await served(third)).toBeGreaterThan(20);
  await answer(60, 60);
  await eventually(async () => (await messages(third)) === 120);
  expect(await relayed(third)).toBeGreaterThan(5);
});
