import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { NatsServer } from "@soma/launcher";
import { encodeGenesis } from "@soma/protocol";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { openNetwork, TestNode, testGenesis } from "./network.ts";

const resources = new TestResources();
afterAll(() => resources.close());
const utf8 = (value: string) => new TextEncoder().encode(value);
const bodies = (node: TestNode) => node.received.map(({ body }) => new TextDecoder().decode(body));

describe("credentials", () => {
  test("are renewed before they end, and nothing is lost on the way", async () => {
    const env = { SOMA_PEERING_ADMISSION_LIFETIME: "3s" };
    const [v0, v1] = (await openNetwork(
      [
        { name: "v0", kind: "validator", env },
        { name: "v1", kind: "validator", env },
      ],
      resources,
    )) as [TestNode, TestNode];
    const linked = async () =>
      (await v0.links([v0, v1])).length === 2 && (await v1.links([v0, v1])).length === 2;
    await eventually(linked);
    const sent: string[] = [];
    const until = Date.now() + 7000;
    for (let i = 0; Date.now() < until; i++) {
      sent.push(`b${i}`);
      await v1.send("block", v0.id, utf8(`b${i}`));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await eventually(() => expect(bodies(v0)).toEqual(sent));
    expect(v0.admissions).toBeGreaterThanOrEqual(3);
    expect(v0.logged).not.toContain("a peer is silent");
    await Promise.all([v0.stop(), v1.stop()]);
  });

  test("that the operator did not sign are not used", async () => {
    const nodes = await Promise.all(
      [{ name: "v0", kind: "validator" } as const, { name: "v1", kind: "validator" } as const].map(
        (options) => TestNode.open(options, resources),
      ),
    );
    const [v0, v1] = nodes as [TestNode, TestNode];
    for (const node of nodes) node.useGenesis(encodeGenesis(testGenesis(nodes)));
    v0.tamper = (answer) => ({ ...answer, address: "nats://127.0.0.1:9" });
    await Promise.all(nodes.map((node) => node.start()));
    await eventually(() => v1.logged.includes("a peer cannot be dialled: DIAL_FORGED"));
    v0.tamper = (answer) => answer;
    await eventually(async () => (await v1.links(nodes)).includes("dialled v0"));
    await Promise.all(nodes.map((node) => node.stop()));
  });
});

test("relays carry a message between encoders that share no validator", async () => {
  const nodes = await Promise.all(
    (
      [
        { name: "v0", kind: "validator" },
        { name: "v1", kind: "validator" },
        { name: "e0", kind: "encoder" },
        { name: "e1", kind: "encoder" },
      ] as const
    ).map((options) => TestNode.open(options, resources)),
  );
  const [v0, v1, e0, e1] = nodes as [TestNode, TestNode, TestNode, TestNode];
  for (const node of nodes) node.useGenesis(encodeGenesis(testGenesis(nodes)));
  e0.env = { SOMA_PEERS: v0.gatewayUrl };
  e1.env = { SOMA_PEERS: `${v1.id}@${v1.gatewayUrl}/` };
  await Promise.all(nodes.map((node) => node.start()));
  await eventually(async () => {
    expect(await e0.links(nodes)).toEqual(["dialled v0"]);
    expect(await e1.links(nodes)).toEqual(["dialled v1"]);
    expect(await v0.links(nodes)).toEqual(["admitted e0", "admitted v1", "dialled v1"]);
    expect(await v1.links(nodes)).toEqual(["admitted e1", "admitted v0", "dialled v0"]);
  });
  await e0.send("job-message", e1.id, utf8("over two relays"));
  await e1.send("job-message", v0.id, utf8("over one"));
  await eventually(() => {
    expect(e1.received).toMatchObject([{ type: "job-message", sender: e0.id }]);
    expect(bodies(v0)).toEqual(["over one"]);
  });
  expect(bodies(v1)).toEqual([]);
  await Promise.all(nodes.map((node) => node.stop()));
});

test("an edge of its own speaks TLS under an authority that peers are told", async () => {
  const nodes = await Promise.all(
    [{ name: "v0", kind: "validator" } as const, { name: "v1", kind: "validator" } as const].map((options) =>
      TestNode.open(options, resources),
    ),
  );
  const [v0, v1] = nodes as [TestNode, TestNode];
  for (const node of nodes) node.useGenesis(encodeGenesis(testGenesis(nodes)));
  const folder = await resources.folder();
  const { ca, cert, key } = certificates(folder);
  const edge = resources.use(
    await NatsServer.start({
      dir: join(folder, "edge"),
      jetStream: false,
      settings: { ...v0.nats.settings(["edge"]), tls: { cert_file: cert, key_file: key } },
    }),
  );
  v0.env = { SOMA_PEERING_EDGE_ADDRESS: `tls://127.0.0.1:${edge.port}`, SOMA_PEERING_EDGE_CA: ca };
  await Promise.all(nodes.map((node) => node.start()));
  await eventually(async () => {
    expect(await v0.links(nodes)).toEqual(["admitted v1", "dialled v1"]);
    expect(await v1.links(nodes)).toEqual(["admitted v0", "dialled v0"]);
  });
  await v1.send("block", v0.id, utf8("sealed"));
  await eventually(() => bodies(v0).includes("sealed"));
  await Promise.all(nodes.map((node) => node.stop()));
});

/** An authority and a certificate for the loopback address. */
function certificates(folder: string): { ca: string; cert: string; key: string } {
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...fresh,
    "-keyout",
    path("ca.key"),
    "-out",
    path("ca.pem"),
    "-subj",
    "/CN=test",
    "-days",
    "2",
  );
  openssl("req", ...fresh, "-keyout", path("edge.key"), "-out", path("edge.csr"), "-subj", "/CN=edge");
  writeFileSync(path("san.txt"), "subjectAltName=IP:127.0.0.1\n");
  openssl(
    ...["x509", "-req", "-in", path("edge.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", path("san.txt"), "-out", path("edge.pem")],
  );
  return { ca: path("ca.pem"), cert: path("edge.pem"), key: path("edge.key") };
}
