import { credsAuthenticator, headers } from "@nats-io/nats-core";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { toHex } from "@soma/base";
import {
  CheckpointCertified,
  CommitDecided,
  CommitStream,
  ConsensusStatus,
  EmbeddingsRecorded,
  type Message,
  type Payload,
  registry,
  SendToPeer,
  TAP,
} from "@soma/contracts";
import { createNatsKeys, operatorNats } from "@soma/peering/edge";
import { Bus, Tap, type TappedMessage } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const NETWORK = "test";
const services = ["consensus", "state", "gateway", "pool", TAP];
const FACTS = registry.messages().filter(({ kind }) => kind !== "request");
const resources = new TestResources();
let server: NatsServer;
let credentials: Readonly<Record<string, Uint8Array>>;
afterAll(() => resources.close());

beforeAll(async () => {
  const nats = await operatorNats({ name: "v0", network: NETWORK, services, keys: createNatsKeys(services) });
  credentials = nats.credentials;
  server = await resources.nats({ settings: nats.settings() });
});

const credsOf = (name: string) => ({ kind: "creds" as const, read: () => credentials[name]! });

async function service(name: string): Promise<Bus> {
  const telemetry = Telemetry.silent(name);
  const options = { servers: server.url, name, network: NETWORK, telemetry, credentials: credsOf(name) };
  return resources.use(await Bus.open(options));
}

async function openTap(
  messages: readonly Message[] = FACTS,
  options: { maxPending?: number; as?: string } = {},
): Promise<Tap> {
  const { as = TAP, ...bounds } = options;
  const tap = await Tap.open({
    servers: server.url,
    network: NETWORK,
    credentials: credsOf(as),
    messages,
    telemetry: Telemetry.silent("tap"),
    ...bounds,
  });
  return resources.use(tap);
}

async function raw(as: string): Promise<NatsConnection> {
  const nc = await connect({
    servers: server.url,
    authenticator: credsAuthenticator(credentials[as]!),
    inboxPrefix: `_INBOX_${as}`,
  });
  resources.defer(() => nc.close());
  return nc;
}

async function next(messages: AsyncGenerator<TappedMessage, void>): Promise<TappedMessage> {
  const taken = await messages.next();
  if (taken.done) throw new Error("the tap ended");
  return taken.value;
}

const recorded: Payload<typeof EmbeddingsRecorded> = {
  job: "1f".repeat(32),
  commit: 7n,
  epoch: 1n,
  payer: "2f".repeat(32),
  modality: 0,
  winner: "3f".repeat(32),
  finals: Uint8Array.of(1, 2, 3, 4),
  items: 1,
};

describe("a tap", () => {
  test("reads and decodes what passes, in order, with its size", async () => {
    const tap = await openTap();
    const messages = tap.messages();
    const state = await service("state");
    await state.publish(EmbeddingsRecorded, {}, recorded);
    const first = await next(messages);
    expect(first.message.name).toBe("state.embeddings-recorded");
    expect(first.subject).toBe(EmbeddingsRecorded.filter(NETWORK));
    expect(first.size).toBe(EmbeddingsRecorded.encode(recorded).length);
    expect(first.body).toMatchObject({ ok: true, value: { job: recorded.job, commit: 7n } });
    await state.publish(SendToPeer, { type: "vote" }, { recipient: "4f".repeat(32), body: Uint8Array.of(9) });
    const second = await next(messages);
    expect(second.body).toMatchObject({ ok: true, value: { recipient: "4f".repeat(32) } });
    expect(SendToPeer.parse(NETWORK, second.subject)).toEqual({ type: "vote" });
  });

  test("tells a sender's trace", async () => {
    const messages = (await openTap([EmbeddingsRecorded])).messages();
    const state = await raw("state");
    const traced = headers();
    const traceId = "5f".repeat(16);
    traced.set("traceparent", `00-${traceId}-${"6f".repeat(8)}-01`);
    const subject = EmbeddingsRecorded.filter(NETWORK);
    state.publish(subject, EmbeddingsRecorded.encode(recorded), { headers: traced });
    expect((await next(messages)).traceId).toBe(traceId);
  });

  test("shows bytes that are no message with the code that the reader would give", async () => {
    const messages = (await openTap([CheckpointCertified])).messages();
    const state = await raw("state");
    state.publish(CheckpointCertified.filter(NETWORK), Uint8Array.of(1, 2, 3));
    const taken = await next(messages);
    expect(toHex(taken.payload)).toBe("010203");
    expect(taken).toMatchObject({ size: 3, body: { ok: false, code: "CODEC_MALFORMED" } });
  });

  test("drops and counts what it has no room for", async () => {
    const tap = await openTap([EmbeddingsRecorded], { maxPending: 3 });
    const state = await service("state");
    for (let i = 0; i < 10; i++)
      await state.publish(EmbeddingsRecorded, {}, { ...recorded, commit: BigInt(i) });
    await state.flush();
    await eventually(() => expect(tap.dropped).toBe(7));
    const commits: unknown[] = [];
    for await (const { body } of tap.messages()) {
      if (body.ok) commits.push((body.value as typeof recorded).commit);
      if (commits.length === 3) break;
    }
    expect(commits).toEqual([0n, 1n, 2n]);
  });
});

describe("a tap does not disturb", () => {
  test("who asks for a service that is away hears at once that nobody responds", async () => {
    const tap = await openTap();
    const gateway = await service("gateway");
    const answer = await gateway.request(ConsensusStatus, {}, {}, { failFast: true, timeoutMs: 20_000 });
    expect(answer).toMatchObject({ ok: false, code: "REQUEST_NO_RESPONDER" });
    expect(tap.interruptions).toBe(0);
  });

  test("a stream that does not exist yet is made by its publisher, and then read", async () => {
    const tap = await openTap([CommitDecided]);
    expect(tap.absentStreams).toEqual(["commits"]);
    const consensus = await service("consensus");
    const commit = aCommit();
    const receipt = await consensus.publish(CommitDecided, {}, commit);
    expect(receipt).toEqual({ sequence: 1, duplicate: false });
    await eventually(() => expect(tap.absentStreams).toEqual([]), { within: 10_000 });
    await consensus.publish(CommitDecided, {}, { ...commit, digest: "7f".repeat(32) });
    expect((await next(tap.messages())).body).toMatchObject({ ok: true, value: { digest: "7f".repeat(32) } });
    const { messages } = await consensus.streamState(CommitStream);
    expect(messages).toBe(2);
  });
});

describe("the tap's credentials", () => {
  test("publish nothing and answer nothing", async () => {
    const nc = await raw(TAP);
    const violations: string[] = [];
    void (async () => {
      for await (const status of nc.status())
        if (status.type === "error") violations.push(String(status.error));
    })();
    const state = await openTap([EmbeddingsRecorded]);
    nc.publish(EmbeddingsRecorded.filter(NETWORK), EmbeddingsRecorded.encode(recorded));
    nc.publish(`$JS.API.STREAM.PURGE.${CommitStream.serverName(NETWORK)}`);
    await nc.flush();
    await eventually(() => expect(violations).toHaveLength(2));
    expect(state.dropped).toBe(0);
  });

  test("those of a service read what that service may, and the rest is named", async () => {
    const tap = await openTap([EmbeddingsRecorded, CheckpointCertified, SendToPeer], { as: "pool" });
    await eventually(() => expect(tap.refused).toEqual(["peering.send"]));
    const state = await service("state");
    await state.publish(EmbeddingsRecorded, {}, recorded);
    expect((await next(tap.messages())).message).toBe(EmbeddingsRecorded);
  });

  test("of another operator are refused with a code", async () => {
    const foreign = await operatorNats({
      name: "v1",
      network: NETWORK,
      services: [TAP],
      keys: createNatsKeys([TAP]),
    });
    const opening = Tap.open({
      servers: server.url,
      network: NETWORK,
      credentials: { kind: "creds", read: () => foreign.credentials[TAP]! },
      messages: FACTS,
      telemetry: Telemetry.silent("tap"),
    });
    await expect(opening).rejects.toMatchObject({ code: "TAP_CREDENTIALS" });
  });

  test("are of no use where no server is", async () => {
    const opening = Tap.open({
      servers: "nats://127.0.0.1:1",
      network: NETWORK,
      messages: FACTS,
      telemetry: Telemetry.silent("tap"),
    });
    await expect(opening).rejects.toMatchObject({ code: "TAP_UNREACHABLE" });
  });
});

function aCommit(): Payload<typeof CommitDecided> {
  const digest = "1a".repeat(32);
  const leader = { round: 1, author: 0, digest };
  return {
    commit: { epoch: 0n, index: 1n, previous: digest, timestampMs: 1n, leader, blocks: [leader] },
    digest,
    beacon: digest,
    part: 0,
    parts: 1,
    transactions: [],
  };
}
