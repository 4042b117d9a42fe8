import { connect } from "node:net";
import { toHex } from "@soma/base";
import { PeerMessageReceived } from "@soma/contracts";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Intruder } from "../peering/intruder.ts";
import { CHAIN, openNetwork, type TestNode } from "../peering/network.ts";
import { counted } from "./counters.ts";

// v0 and v1 are honest; v2's and e1's keys are in the hands of somebody who does not run our code.
const resources = new TestResources();
let v0: TestNode;
let v1: TestNode;
let v2: TestNode;
let e1: TestNode;
let peer: Awaited<ReturnType<Intruder["connect"]>>;
let intruder: Intruder;

beforeAll(async () => {
  const env = { SOMA_PEERING_ENCODER_MESSAGES: "100", SOMA_PEERING_STRIKES: "1000" };
  const nodes = await openNetwork(
    [
      { name: "v0", kind: "validator", env },
      { name: "v1", kind: "validator", env },
      { name: "v2", kind: "validator", isIdle: true },
      { name: "e1", kind: "encoder", isIdle: true },
    ],
    resources,
  );
  [v0, v1, v2, e1] = nodes as [TestNode, TestNode, TestNode, TestNode];
  await eventually(async () => {
    expect(await v0.links(nodes)).toEqual(["admitted v1", "dialled v1"]);
  });
  intruder = new Intruder(v2);
  peer = await intruder.connect(v0);
});
afterAll(async () => {
  await peer.close();
  await resources.close();
});
let count = 0;
beforeEach(() => {
  count += 1;
});

const utf8 = (text: string) => new Uint8Array(Buffer.from(text));
const refused = (code: string) => counted("soma_peering_refused_total", { operator: "v0", code });
const send = (bytes: Uint8Array) => peer.publish(`net.${v2.id}.up`, bytes);

/** The honest pair still hears one another. */
async function expectHonest(): Promise<void> {
  const body = utf8(`honest ${count}`);
  await v1.send("block", v0.id, body);
  await eventually(() => v0.received.some((message) => toHex(message.body) === toHex(body)));
}

const forged = () => intruder.forge(v2.id, v0.id, "block", utf8("a body"));

test.each<[string, () => Uint8Array, string]>([
  ["malformed", () => new Uint8Array(300).fill(0xff), "ENVELOPE_MALFORMED"],
  ["of another chain", () => forged().fill(0x78, 1, 5), "ENVELOPE_CHAIN"],
  ["in another's name", () => intruder.forge(v1.id, v0.id, "block", utf8("x")), "ENVELOPE_SIGNATURE"],
  ["of a stranger", () => intruder.forge("ff".repeat(32), v0.id, "block", utf8("x")), "ENVELOPE_STRANGER"],
  [
    "with another body than was signed",
    () => {
      const bytes = forged();
      bytes[bytes.length - 65]! ^= 1;
      return bytes;
    },
    "ENVELOPE_BODY",
  ],
])("an envelope that is %s is refused with its code and counted", async (_, bytes, code) => {
  const before = await refused(code);
  send(bytes());
  await eventually(async () => (await refused(code)) === before + 1);
  await expectHonest();
});

test("an envelope that is replayed is taken once", async () => {
  const before = await refused("ENVELOPE_REPLAY");
  const bytes = intruder.forge(v2.id, v0.id, "block", utf8("once"));
  for (let i = 0; i < 5; i++) send(bytes);
  await eventually(async () => (await refused("ENVELOPE_REPLAY")) === before + 4);
  expect(v0.received.filter(({ body }) => toHex(body) === toHex(utf8("once")))).toHaveLength(1);
});

test("a flood is refused beyond the peer's share, and the honest pair is heard", async () => {
  const encoder = new Intruder(e1);
  const connection = await encoder.connect(v0);
  const before = await refused("PEER_RATE");
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 200; i++) connection.publish(`net.${e1.id}.up`, utf8("noise"));
    await connection.flush();
  }
  await expectHonest();
  await eventually(async () => (await refused("PEER_RATE")) > before + 2_000);
  await connection.close();
});

test("a peer may publish under its own name alone: the server tells it so, and nothing arrives", async () => {
  const violations: string[] = [];
  const listening = (async () => {
    for await (const status of peer.status())
      if (status.type === "error") violations.push(String(status.error));
  })();
  const inside = PeerMessageReceived.subjectFor(CHAIN, { type: "block" });
  const subjects = [
    `net.${v1.id}.up`,
    `net.${v0.id}.down.${v1.id}`,
    inside,
    "$JS.API.INFO",
    "$SYS.REQ.SERVER.PING",
  ];
  const before = v0.received.length;
  for (const subject of subjects) peer.publish(subject, utf8("where nobody may"));
  await eventually(() => subjects.every((subject) => violations.some((text) => text.includes(subject))));
  expect(v0.received.slice(before).map(({ body }) => toHex(body))).not.toContain(
    toHex(utf8("where nobody may")),
  );
  await expectHonest();
  await peer.close();
  await listening;
  peer = await intruder.connect(v0);
});

test("a service of the operator that publishes what is not its own is counted", async () => {
  const creds = v0.nats.credentials["gateway"]!;
  const telemetry = Telemetry.open({ service: "gateway", operator: "v0", metrics: true });
  const bus = await Bus.open({
    servers: v0.server.url,
    name: "gateway",
    network: CHAIN,
    telemetry,
    credentials: { kind: "creds", read: () => creds },
  });
  const before = v0.received.length;
  await bus.publish(PeerMessageReceived, { type: "block" }, { sender: v1.id, body: utf8("made up") });
  await eventually(async () => (await counted("soma_bus_forbidden_total", { operation: "publish" })) === 1);
  expect(v0.received.slice(before).filter(({ body }) => toHex(body) === toHex(utf8("made up")))).toEqual([]);
  await bus.close();
  await expectHonest();
});

test("connections that dribble instead of proving who they are are closed, and others are heard meanwhile", async () => {
  const closed = Array.from({ length: 20 }, () => {
    const socket = connect(v0.server.port, "127.0.0.1");
    const dribble = setInterval(() => socket.write("C"), 50);
    return new Promise<void>((resolve) => {
      socket.on("error", () => {});
      socket.on("close", () => {
        clearInterval(dribble);
        resolve();
      });
    });
  });
  await expectHonest();
  await Promise.all(closed);
  await expectHonest();
});
