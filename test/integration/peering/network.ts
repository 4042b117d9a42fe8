import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { AdmitPeer, ListPeers, PeerMessageReceived, SendToPeer } from "@soma/contracts";
import { createKeyFile, EncoderKeys, ValidatorKeys } from "@soma/identity";
import { service } from "@soma/peering";
import { ensureOperatorNats, type OperatorNatsFiles } from "@soma/peering/edge";
import {
  encodeGenesis,
  formatParameters,
  type Genesis,
  type Hex32,
  initialParameters,
  type PeerMessageType,
} from "@soma/protocol";
import { Bus, ServiceHost } from "@soma/runtime";
import { type LogSink, Telemetry } from "@soma/telemetry";
import { freePort, NatsServer, type TestResources } from "@soma/testkit";

export const CHAIN = "test-peering";
const SERVICES = ["peering", "consensus", "encoder", "gateway"];

export interface NodeOptions {
  readonly name: string;
  readonly kind: "validator" | "encoder";
  /** Variables of peering beside the usual. */
  readonly env?: Readonly<Record<string, string>>;
  /** Stands on the roster, but no peering speaks for it. */
  readonly isIdle?: boolean;
}

export interface Received {
  readonly type: string;
  readonly sender: Hex32;
  readonly body: Uint8Array;
}

/** An operator with its own nats-server, its peering, and a gateway that knows admissions alone. */
export class TestNode {
  readonly name: string;
  readonly id: Hex32;
  readonly keys: ValidatorKeys | EncoderKeys;
  readonly received: Received[] = [];
  readonly log: string[] = [];
  readonly server: NatsServer;
  readonly nats: OperatorNatsFiles;
  readonly gatewayUrl: string;
  /** Changes what the gateway answers. */
  tamper: (answer: Record<string, unknown>) => Record<string, unknown> = (answer) => answer;
  admissions = 0;
  /** Further variables for the next start. */
  env: Readonly<Record<string, string>>;
  /** Where the next start sends its traces. */
  otlpEndpoint: string | undefined;
  readonly #options: NodeOptions;
  readonly #folder: string;
  readonly #keyFile: string;
  readonly #gateway: Server;
  #genesisFile = "";
  #host: ServiceHost | undefined;
  #service: Bus | undefined;
  #gatewayBus: Bus | undefined;

  private constructor(
    options: NodeOptions,
    parts: { folder: string; server: NatsServer; nats: OperatorNatsFiles; gateway: Server },
  ) {
    this.#options = options;
    this.#folder = parts.folder;
    this.name = options.name;
    this.env = options.env ?? {};
    this.server = parts.server;
    this.nats = parts.nats;
    this.#gateway = parts.gateway;
    this.#keyFile = join(parts.folder, "key.json");
    const { seed } = createKeyFile(this.#keyFile, options.kind);
    this.keys = options.kind === "validator" ? new ValidatorKeys(seed) : new EncoderKeys(seed);
    this.id = this.keys.account.address;
    this.gatewayUrl = `http://127.0.0.1:${(parts.gateway.address() as { port: number }).port}`;
  }

  static async open(options: NodeOptions, resources: TestResources): Promise<TestNode> {
    const folder = join(await resources.folder(), options.name);
    mkdirSync(folder);
    const nats = await ensureOperatorNats(join(folder, "nats-keys"), {
      name: options.name,
      network: CHAIN,
      services: SERVICES,
    });
    const server = resources.use(
      await NatsServer.start({
        dir: join(folder, "nats"),
        port: await freePort(),
        settings: nats.settings(),
      }),
    );
    const gateway = createServer();
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
    const node = new TestNode(options, { folder, server, nats, gateway });
    gateway.on("request", async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const question = AdmitPeer.decode(Buffer.concat(parts));
      node.admissions++;
      const bus = node.#gatewayBus;
      if (bus === undefined || !question.ok || request.url !== "/v1/edge/admissions") {
        response.writeHead(503).end();
        return;
      }
      const answer = await bus.request(AdmitPeer, {}, question.value);
      if (!answer.ok) response.writeHead(403).end(JSON.stringify({ code: answer.code }));
      else {
        const json = JSON.parse(Buffer.from(AdmitPeer.reply.encode(answer.value)).toString());
        response.end(JSON.stringify(node.tamper(json)));
      }
    });
    resources.defer(() => void gateway.close(() => {}));
    resources.defer(() => node.stop());
    return node;
  }

  get edgeAddress(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  useGenesis(genesis: Uint8Array): void {
    this.#genesisFile = join(this.#folder, "genesis.bin");
    writeFileSync(this.#genesisFile, genesis);
  }

  /** Starts peering and the services' ends that tests speak through. */
  async start(): Promise<void> {
    this.#service = await this.bus(this.#options.kind === "validator" ? "consensus" : "encoder");
    this.#gatewayBus = await this.bus("gateway");
    await this.#service.subscribe(PeerMessageReceived, {}, ({ sender, body }, { tokens: { type } }) => {
      this.received.push({ type, sender, body });
    });
    const sink: LogSink = { write: (line) => void this.log.push(line) };
    this.#host = await ServiceHost.open({
      platform: {
        operator: this.name,
        network: CHAIN,
        servers: this.server.url,
        credentialsFor: (name) => this.#credentials(name),
        logLevel: "debug",
        metrics: true,
        otlpEndpoint: this.otlpEndpoint,
        logSink: sink,
      },
      services: [service],
      env: {
        SOMA_KEY_FILE: this.#keyFile,
        SOMA_GENESIS: this.#genesisFile,
        SOMA_PEERING_EDGE_ACCOUNT: this.nats.edgeAccountPath,
        SOMA_PEERING_EDGE_ADDRESS: `nats://${this.edgeAddress}`,
        SOMA_PEER_NETWORKS: "127.0.0.0/8",
        SOMA_PEERING_CANARY_INTERVAL: "100ms",
        SOMA_PEERING_SILENT_AFTER: "1000ms",
        SOMA_PEERING_LOST_AFTER: "3000ms",
        ...this.env,
      },
    });
  }

  /** Stops peering as a restart does. */
  async stop(): Promise<void> {
    const [host, own, gateway] = [this.#host, this.#service, this.#gatewayBus];
    this.#host = undefined;
    this.#gatewayBus = undefined;
    await host?.close();
    await Promise.all([own?.close(), gateway?.close()]);
  }

  async bus(name: string): Promise<Bus> {
    return Bus.open({
      servers: this.server.url,
      name,
      network: CHAIN,
      telemetry: Telemetry.silent(name),
      credentials: this.#credentials(name),
    });
  }

  async send(type: PeerMessageType, recipient: Hex32, body: Uint8Array): Promise<void> {
    await this.#service!.publish(SendToPeer, { type }, { recipient, body });
  }

  async peers() {
    const answer = await this.#gatewayBus!.request(ListPeers, {}, {});
    if (!answer.ok) throw new Error(answer.code);
    return answer.value.peers;
  }

  /** Open channels that were heard, as `<direction> <name>`. */
  async links(among: readonly TestNode[]): Promise<string[]> {
    const nameOf = (id: Hex32) => among.find((node) => node.id === id)?.name ?? id;
    return (await this.peers())
      .filter(({ connected, lastSeenMs }) => connected && lastSeenMs !== null)
      .map(({ direction, operator }) => `${direction} ${nameOf(operator)}`)
      .sort();
  }

  /** Messages of the log, with their codes. */
  get logged(): string[] {
    return this.log.map((line) => {
      const { msg, code } = JSON.parse(line) as { msg: string; code?: string };
      return code === undefined ? msg : `${msg}: ${code}`;
    });
  }

  #credentials(name: string) {
    const creds = this.nats.credentials[name]!;
    return { kind: "creds", read: () => creds } as const;
  }
}

export function testGenesis(nodes: readonly TestNode[]): Genesis {
  const byId =
    <T>(id: (entry: T) => string) =>
    (a: T, b: T) =>
      id(a) < id(b) ? -1 : 1;
  return {
    chainId: CHAIN,
    timestampMs: BigInt(Date.now()),
    protocolVersion: 1,
    parameters: Object.entries(formatParameters(initialParameters("devnet"))).sort(([a], [b]) =>
      a < b ? -1 : 1,
    ),
    accounts: [],
    validators: nodes
      .flatMap(({ keys, id, edgeAddress, gatewayUrl }) =>
        keys instanceof ValidatorKeys
          ? [
              {
                validator: id,
                stake: 1n,
                blockKey: keys.block.publicKey,
                blsKey: keys.bls.publicKey,
                vrfKey: keys.vrf.publicKey,
                edgeAddress,
                gatewayAddress: gatewayUrl,
              },
            ]
          : [],
      )
      .sort(byId(({ validator }) => validator)),
    encoders: nodes
      .flatMap(({ keys, id }) =>
        keys instanceof EncoderKeys
          ? [
              {
                encoder: id,
                stake: 1n,
                messageKey: keys.message.publicKey,
                blsKey: keys.bls.publicKey,
                asks: [],
              },
            ]
          : [],
      )
      .sort(byId(({ encoder }) => encoder)),
    anchors: { texts: "00".repeat(32), vectors: "00".repeat(32), meanNormSquared: 1n },
    textTokenizer: "00".repeat(32),
    memo: new Uint8Array(),
  };
}

/** Opens the nodes, agrees on a genesis, and starts those that are not idle. */
export async function openNetwork(
  options: readonly NodeOptions[],
  resources: TestResources,
): Promise<TestNode[]> {
  const nodes = await Promise.all(options.map((each) => TestNode.open(each, resources)));
  const genesis = encodeGenesis(testGenesis(nodes));
  for (const node of nodes) node.useGenesis(genesis);
  await Promise.all(nodes.filter((_, i) => options[i]!.isIdle !== true).map((node) => node.start()));
  return nodes;
}
