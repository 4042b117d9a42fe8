import { EVERYBODY } from "@soma/protocol";
import { eventually, TestResources, TraceCollector } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openNetwork, type TestNode } from "./network.ts";

const resources = new TestResources();
let v0: TestNode;
let v1: TestNode;
let e0: TestNode;
let all: TestNode[];
afterAll(() => resources.close());

beforeAll(async () => {
  all = await openNetwork(
    [
      { name: "v0", kind: "validator" },
      { name: "v1", kind: "validator" },
      { name: "e0", kind: "encoder" },
    ],
    resources,
  );
  [v0, v1, e0] = all as [TestNode, TestNode, TestNode];
  await linked();
});

async function linked(): Promise<void> {
  await eventually(async () => {
    expect(await v0.links(all)).toEqual(["admitted e0", "admitted v1", "dialled v1"]);
    expect(await v1.links(all)).toEqual(["admitted e0", "admitted v0", "dialled v0"]);
    expect(await e0.links(all)).toEqual(["dialled v0", "dialled v1"]);
  });
}
const body = (text: string, length = 0) => {
  const bytes = new Uint8Array(Math.max(length, text.length));
  bytes.set(new TextEncoder().encode(text));
  return bytes;
};
function texts(node: TestNode): string[] {
  return node.received.map(({ type, sender, body: bytes }) => {
    const from = all.find(({ id }) => id === sender)?.name;
    return `${type} ${from} ${new TextDecoder().decode(bytes).replaceAll("\0", "")}`;
  });
}

describe("linked operators", () => {
  test("send blocks both ways, and none to an encoder", async () => {
    await v0.send("block", EVERYBODY, body("one", 50_000));
    await v1.send("block", v0.id, body("two", 50_000));
    await v0.send("ledger-update", EVERYBODY, body("three"));
    await e0.send("job-message", v1.id, body("four"));
    await eventually(() => {
      expect(texts(v1)).toEqual(
        expect.arrayContaining(["block v0 one", "ledger-update v0 three", "job-message e0 four"]),
      );
      expect(texts(v0)).toEqual(["block v1 two"]);
      expect(texts(e0)).toEqual(["ledger-update v0 three"]);
    });
    expect(v1.received.find(({ type }) => type === "block")?.body.length).toBe(50_000);
  });

  test("reach themselves without a link", async () => {
    await v0.send("checkpoint-signature", v0.id, body("mine"));
    await eventually(() => texts(v0).includes("checkpoint-signature v0 mine"));
  });

  test("link their traces and do not join them", async () => {
    const collector = resources.use(await TraceCollector.open());
    for (const node of [v0, v1]) {
      await node.stop();
      node.otlpEndpoint = collector.url;
      await node.start();
    }
    await linked();
    await v0.send("block", v1.id, body("traced"));
    await eventually(() => {
      const of = (name: string, operator: string) =>
        collector.named(name).filter((span) => span.operator === operator);
      const [sent] = of("process peering.send", "v0");
      const arrived = of("process peering.edge-up", "v1").find(
        (span) => span.links[0]?.traceId === sent!.traceId,
      );
      expect(arrived).toBeDefined();
      expect(arrived!.traceId).not.toBe(sent!.traceId);
      expect(of("publish peering.received", "v1")[0]?.parentSpanId).toBe(arrived!.spanId);
    });
  });

  test("come together again after an operator's server restarts", async () => {
    await v0.server.restart();
    await linked();
    await v1.send("block", v0.id, body("after the server"));
    await eventually(() => texts(v0).includes("block v1 after the server"));
  });

  test("come together again after peering restarts, sooner than silence would tell", async () => {
    const before = e0.admissions + v0.admissions;
    await v0.stop();
    await v0.start();
    await linked();
    await e0.send("job-message", v0.id, body("after the service"));
    await eventually(() => texts(v0).includes("job-message e0 after the service"));
    expect(v0.admissions).toBeGreaterThan(before);
  });
});
