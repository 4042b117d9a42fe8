import { credsAuthenticator, jwtAuthenticator, type NatsConnection } from "@nats-io/nats-core";
import { createUser } from "@nats-io/nkeys";
import { connect } from "@nats-io/transport-node";
import { CommitDecided, CommitStream, GetEpoch, registry } from "@soma/contracts";
import { createNatsKeys, issueBridgeJwt, issuePeerJwt, operatorNats } from "@soma/peering/edge";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const NETWORK = "test";
const us = "aa".repeat(32);
const peer = "bb".repeat(32);
const other = "cc".repeat(32);
const services = ["peering", "consensus", "state", "gateway"];
const resources = new TestResources();
let server: NatsServer;
let nats: Awaited<ReturnType<typeof operatorNats>>;
afterAll(() => resources.close());

beforeAll(async () => {
  nats = await operatorNats({
    name: "v0",
    network: NETWORK,
    services,
    keys: createNatsKeys(services),
    edgeConnections: 3,
  });
  server = await resources.nats({ settings: nats.settings() });
});

/** A connection of a peer, with the permission violations that the server told it. */
async function peerConnection(
  expiresInMs = 60_000,
  as = peer,
): Promise<{ nc: NatsConnection; violations: string[] }> {
  const user = createUser();
  const grant = {
    operator: us,
    peer: as,
    userKey: user.getPublicKey(),
    expiresAtMs: Date.now() + expiresInMs,
  };
  const jwt = await issuePeerJwt(nats.edgeAccount, grant);
  const nc = await connect({
    servers: server.url,
    authenticator: jwtAuthenticator(jwt, user.getSeed()),
    reconnect: false,
  });
  resources.defer(() => nc.close());
  const violations: string[] = [];
  void (async () => {
    for await (const status of nc.status())
      if (status.type === "error") violations.push(String(status.error));
  })();
  return { nc, violations };
}

async function bridge(): Promise<NatsConnection> {
  const { jwt, seed } = await issueBridgeJwt(nats.edgeAccount, us);
  const nc = await connect({ servers: server.url, authenticator: jwtAuthenticator(jwt, seed) });
  resources.defer(() => nc.close());
  return nc;
}

function service(name: string): Promise<Bus> {
  const creds = nats.credentials[name]!;
  return Bus.open({
    servers: server.url,
    name,
    network: NETWORK,
    telemetry: Telemetry.silent(name),
    credentials: { kind: "creds", read: () => creds },
  }).then((bus) => resources.use(bus));
}

describe("the account of an operator's services", () => {
  test("lets each do what the registry says: streams, requests", async () => {
    const [consensus, state] = await Promise.all([service("consensus"), service("state")]);
    await consensus.ensureStream(CommitStream);
    const seen: number[] = [];
    await state.consume(CommitDecided, { durable: "state" }, () => {
      seen.push(1);
      return { kind: "accept" };
    });
    await state.respond(GetEpoch, {}, () => ({ ok: true, value: null }));
    expect(await consensus.request(GetEpoch, {}, { epoch: null })).toEqual({ ok: true, value: null });
    expect(await consensus.streamState(CommitStream)).toBeDefined();
  });

  test("refuses a service what is another's", async () => {
    const creds = nats.credentials.gateway!;
    const nc = await connect({ servers: server.url, authenticator: credsAuthenticator(creds) });
    resources.defer(() => nc.close());
    const violations: string[] = [];
    void (async () => {
      for await (const status of nc.status())
        if (status.type === "error") violations.push(String(status.error));
    })();
    nc.publish(CommitDecided.filter(NETWORK).replaceAll("*", "1"), "forged");
    nc.subscribe(GetEpoch.filter(NETWORK), { callback: () => {} });
    nc.publish("$JS.API.STREAM.DELETE.soma_test_commits");
    await nc.flush();
    await eventually(() => violations.length >= 3 || violations);
    expect(registry.permissions("gateway", NETWORK).publish).not.toContain(CommitDecided.filter(NETWORK));
  });
});

describe("the account of the edge", () => {
  test("carries a peer's messages up and ours down, and nothing else", async () => {
    const [edge, { nc, violations }] = await Promise.all([bridge(), peerConnection()]);
    const up: string[] = [];
    const down: string[] = [];
    edge.subscribe("net.*.up", { callback: (_, msg) => void up.push(`${msg.subject} ${msg.string()}`) });
    nc.subscribe(`net.${us}.down.${peer}`, { callback: (_, msg) => void down.push(msg.string()) });
    await Promise.all([edge.flush(), nc.flush()]);
    nc.publish(`net.${peer}.up`, "one");
    edge.publish(`net.${us}.down.${peer}`, "two");
    edge.publish(`net.${us}.down.${other}`, "three");
    await eventually(() => up.length === 1 && down.length === 1);
    expect(up).toEqual([`net.${peer}.up one`]);
    expect(down).toEqual(["two"]);
    expect(violations).toEqual([]);

    const forbidden = [
      `net.${other}.up`,
      `net.${us}.down.${other}`,
      "$JS.API.INFO",
      "$JS.API.STREAM.CREATE.x",
      "$SYS.REQ.SERVER.PING",
      "soma.v1.test.peering.admit-peer",
      "_INBOX.x",
    ];
    for (const subject of forbidden) nc.publish(subject, "x");
    await nc.flush();
    await eventually(() => violations.length === forbidden.length || violations);
    for (const subject of [">", "net.>", `net.${us}.down.${other}`, "net.*.up", "$SYS.>", "_INBOX.>"])
      nc.subscribe(subject, {
        callback: (error) => void (error === null && down.push(`overheard ${subject}`)),
      });
    await nc.flush();
    edge.publish(`net.${us}.down.${other}`, "secret");
    await edge.flush();
    await eventually(() => violations.length === forbidden.length + 6 || violations);
    expect(up).toHaveLength(1);
    expect(down).toHaveLength(1);
    await Promise.all([edge.close(), nc.close()]);
  });

  test("refuses another's key, an expired token, too many connections, and answers", async () => {
    const user = createUser();
    const grant = { operator: us, peer, userKey: user.getPublicKey(), expiresAtMs: Date.now() + 60_000 };
    const jwt = await issuePeerJwt(nats.edgeAccount, grant);
    const stolen = jwtAuthenticator(jwt, createUser().getSeed());
    await expect(connect({ servers: server.url, authenticator: stolen, reconnect: false })).rejects.toThrow();
    await expect(peerConnection(-5000)).rejects.toThrow();
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow();
    const open = await Promise.all([peerConnection(), peerConnection(), peerConnection()]);
    await expect(peerConnection()).rejects.toThrow();
    await Promise.all(open.map(({ nc }) => nc.close()));
  });

  test("cuts a connection when its token expires, and one that sends too much at once", async () => {
    const expiring = await peerConnection(2000);
    const large = await peerConnection();
    // A client that ignores what the server told it.
    Object.assign(large.nc.info!, { max_payload: 4 * 1024 * 1024 });
    large.nc.publish(`net.${peer}.up`, new Uint8Array(1024 * 1024 + 2048));
    await eventually(() => large.nc.isClosed());
    await eventually(() => expiring.nc.isClosed(), { within: 4000 });
  });
});
