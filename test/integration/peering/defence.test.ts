import { EVERYBODY } from "@soma/protocol";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Intruder } from "./intruder.ts";
import { openNetwork, type TestNode } from "./network.ts";

const resources = new TestResources();
const BAN_MS = 2000;
let v0: TestNode;
let v1: TestNode;
let v2: TestNode;
let e0: TestNode;
let e1: TestNode;
afterAll(() => resources.close());

beforeAll(async () => {
  const env = {
    SOMA_PEERING_ENCODER_MESSAGES: "100",
    SOMA_PEERING_STRIKES: "3",
    SOMA_PEERING_BAN: `${BAN_MS}ms`,
  };
  const nodes = await openNetwork(
    [
      { name: "v0", kind: "validator", env },
      { name: "v1", kind: "validator", env },
      { name: "v2", kind: "validator", isIdle: true },
      { name: "e0", kind: "encoder" },
      { name: "e1", kind: "encoder", isIdle: true },
    ],
    resources,
  );
  [v0, v1, v2, e0, e1] = nodes as [TestNode, TestNode, TestNode, TestNode, TestNode];
  await eventually(async () => {
    expect(await v0.links(nodes)).toEqual(["admitted e0", "admitted v1", "dialled v1"]);
    expect(await e0.links(nodes)).toEqual(["dialled v0", "dialled v1"]);
  });
});

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const utf8 = (value: string) => new TextEncoder().encode(value);
async function refusedOf(peer: TestNode): Promise<number> {
  return (await v0.peers())
    .filter(({ operator }) => operator === peer.id)
    .reduce((sum, { refused }) => sum + refused, 0);
}

describe("an edge", () => {
  test("takes nothing that the sender did not sign, and bans whose own signatures are bad", async () => {
    const intruder = new Intruder(v2);
    const connection = await intruder.connect(v0);
    const before = await refusedOf(v2);
    for (let i = 0; i < 5; i++)
      connection.publish(`net.${v2.id}.up`, intruder.forge(v1.id, v0.id, "block", utf8("forged")));
    await eventually(async () => (await refusedOf(v2)) === before + 5);
    connection.publish(`net.${v2.id}.up`, intruder.forge(v2.id, v0.id, "block", utf8("honest")));
    await eventually(() => v0.received.some(({ body }) => text(body) === "honest"));
    for (let i = 0; i < 3; i++) {
      const own = intruder.forge(v2.id, v0.id, "block", utf8("forged"));
      connection.publish(`net.${v2.id}.up`, own.with(-1, own.at(-1)! ^ 1));
    }
    await eventually(() => v0.logged.includes("a peer is banned: ENVELOPE_SIGNATURE"));
    connection.publish(`net.${v2.id}.up`, intruder.forge(v2.id, v0.id, "block", utf8("too late")));
    await connection.flush();
    expect((await intruder.ask(v0)).answer).toMatchObject({ code: "ADMISSION_BANNED" });

    await v1.send("block", v0.id, utf8("unharmed"));
    await eventually(() => v0.received.some(({ body }) => text(body) === "unharmed"));
    expect(v0.received.filter(({ body }) => ["forged", "too late"].includes(text(body)))).toEqual([]);
    const again = await eventually(async () => (await intruder.ask(v0)).status === 200, {
      within: BAN_MS + 2000,
    });
    expect(again).toBe(true);
    await connection.close();
  });

  test("takes from an encoder only what is its own, and no blocks", async () => {
    const intruder = new Intruder(e1);
    const connection = await intruder.connect(v0);
    const before = await refusedOf(e1);
    const sent = [
      intruder.forge(e0.id, v0.id, "job-message", utf8("as another")),
      intruder.forge(v1.id, v0.id, "block", utf8("as a validator")),
      intruder.forge(e1.id, v0.id, "block", utf8("a block")),
      intruder.forge("ff".repeat(32), v0.id, "job-message", utf8("as a stranger")),
      intruder.forge(e1.id, "ff".repeat(32), "job-message", utf8("to a stranger")),
    ];
    for (const bytes of sent) connection.publish(`net.${e1.id}.up`, bytes);
    const replayed = intruder.forge(e1.id, v0.id, "job-message", utf8("once"));
    for (let i = 0; i < 3; i++) connection.publish(`net.${e1.id}.up`, replayed);
    // Subjects of others never leave the server.
    connection.publish(`net.${v1.id}.up`, intruder.forge(v1.id, v0.id, "block", utf8("elsewhere")));
    await eventually(async () => (await refusedOf(e1)) === before + sent.length + 2);
    expect(v0.received.filter(({ sender }) => sender === e1.id).map(({ body }) => text(body))).toEqual([
      "once",
    ]);
    expect(v0.received.map(({ body }) => text(body))).not.toContain("elsewhere");
    await connection.close();
  });

  test("bounds a flood, and the other peers do not feel it", async () => {
    const intruder = new Intruder(e1);
    const connection = await intruder.connect(v0);
    const before = v0.received.length;
    const large = intruder.forge(e1.id, v0.id, "job-message", new Uint8Array(500_000));
    let flooding = true;
    const flood = (async () => {
      let count = 0;
      while (flooding) {
        for (let i = 0; i < 200; i++)
          connection.publish(`net.${e1.id}.up`, i % 20 === 0 ? large : utf8("noise"));
        count += 200;
        await connection.flush();
      }
      return count;
    })();
    const began = performance.now();
    const delays: number[] = [];
    for (let i = 0; i < 40; i++) {
      const sent = performance.now();
      await v1.send("block", v0.id, utf8(`b${i}`));
      await e0.send("job-message", v0.id, utf8(`j${i}`));
      await eventually(
        () =>
          v0.received.slice(before).filter(({ body }) => [`b${i}`, `j${i}`].includes(text(body))).length ===
          2,
        { every: 2 },
      );
      delays.push(performance.now() - sent);
    }
    flooding = false;
    const flooded = await flood;
    const seconds = (performance.now() - began) / 1000;
    const refused = await refusedOf(e1);
    const taken = v0.received.slice(before).filter(({ sender }) => sender === e1.id).length;
    const worst = Math.max(...delays);
    console.info(
      `flood of ${Math.round(flooded / seconds)} messages/s: honest pair p50 ${delays.sort((a, b) => a - b)[20]!.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
    );
    expect(refused).toBeGreaterThan(flooded / 4);
    expect(taken).toBeLessThanOrEqual(200 + 100 * seconds);
    expect(worst).toBeLessThan(2000);
    await connection.close();
  });

  test("raises the alarm when a peer falls silent, and ends it", async () => {
    process.kill(v1.server.pid, "SIGSTOP");
    try {
      await eventually(() => v0.logged.includes("a peer is silent"), { within: 8000 });
    } finally {
      process.kill(v1.server.pid, "SIGCONT");
    }
    await v0.send("block", EVERYBODY, utf8("are you there"));
    await eventually(async () => {
      const open = (await v0.peers()).filter(({ operator, connected }) => operator === v1.id && connected);
      expect(open.every(({ lastSeenMs }) => lastSeenMs !== null && Date.now() - lastSeenMs < 1000)).toBe(
        true,
      );
      expect(open.length).toBe(2);
    });
  });
});
