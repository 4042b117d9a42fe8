import { eventually, TestResources } from "@soma/testkit";
import { afterAll, expect, test } from "vitest";
import { counted } from "../bad-input/counters.ts";
import { openNetwork, type TestNode } from "./network.ts";

const resources = new TestResources();
afterAll(() => resources.close());

/** Attempts of an operator to dial that ended in a refusal of the address. */
const refusals = (operator: string) =>
  counted("soma_peering_dials_total", { operator, code: "ADDRESS_INTERNAL" });

test("an address within the own network is neither asked for admission nor dialled, unless it is allowed", async () => {
  const nodes = await openNetwork(
    [
      { name: "v0", kind: "validator" },
      { name: "v1", kind: "validator", env: { SOMA_PEER_NETWORKS: "" } },
      { name: "v2", kind: "validator", isIdle: true },
    ],
    resources,
  );
  const [v0, v1, v2] = nodes as [TestNode, TestNode, TestNode];
  // Everybody's gateway is on this machine, which v1 does not allow.
  await eventually(async () => (await v0.links(nodes)).includes("dialled v1"));
  await eventually(async () => (await refusals("v1")) > 1);
  expect(
    await counted("soma_address_refused_total", { operator: "v1", code: "ADDRESS_INTERNAL" }),
  ).toBeGreaterThan(1);
  expect(v0.admissions).toBe(0);
  expect((await v1.links(nodes)).filter((link) => link.startsWith("dialled"))).toEqual([]);
  expect(v1.logged).toContain("a peer cannot be dialled: ADDRESS_INTERNAL");
  expect(await refusals("v0")).toBe(0);

  // Allowed from now on, it dials.
  await v1.stop();
  v1.env = {};
  await v1.start();
  await eventually(async () => (await v1.links(nodes)).includes("dialled v0"));

  // A gateway in an allowed network whose operator names an edge elsewhere.
  v2.env = {
    SOMA_PEERING_EDGE_ADDRESS: "nats://[::ffff:169.254.169.254]:4222",
    SOMA_PEERING_EDGE_URL: `nats://${v2.edgeAddress}`,
  };
  await v2.start();
  await eventually(async () => (await refusals("v0")) > 0);
  expect(v2.admissions).toBeGreaterThan(0);
  expect((await v2.links(nodes)).filter((link) => link.startsWith("admitted"))).toEqual([]);
});
