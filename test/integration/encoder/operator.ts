import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compareHex, toHex } from "@soma/base";
import { PeerMessageReceived, SendToPeer } from "@soma/contracts";
import { createKeyFile, EncoderKeys } from "@soma/identity";
import {
  decodeJobMessage,
  encodeGenesis,
  encodeItems,
  encodeJobMessage,
  RelayedJobMessageCodec,
  TOKEN,
} from "@soma/protocol";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import type { TestResources } from "@soma/testkit";
import type { TestNetwork, TestOperator } from "@soma/testkit/receipt";
import { PlayedGateway } from "./played-gateway.ts";
import { ITEMS, Scenario, scenarioNetwork } from "./scenario.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SEED = "5e".repeat(32);

/** More than a third of all, so that the others' seats are not enough for a proof without it. */
const STAKE = 45n * TOKEN;
/** Commits; a killed process has started again by then. */
const PROOF_TIMEOUT = 600;

/** The scenario's network with one encoder that has the keys of a key file. */
function networkWith(keys: EncoderKeys, tokenizer: string): TestNetwork {
  const parameters = { proofTimeout: PROOF_TIMEOUT };
  const network = scenarioNetwork({ encoders: 5, textTokenizer: tokenizer, parameters });
  const own = {
    id: keys.account.address,
    messages: keys.message,
    bls: keys.bls,
  } as unknown as TestOperator;
  const entry = {
    ...network.genesis.encoders[0]!,
    encoder: own.id,
    stake: STAKE,
    messageKey: keys.message.publicKey,
    blsKey: keys.bls.publicKey,
  };
  const byId = (a: { id: string }, b: { id: string }) => compareHex(a.id, b.id);
  return {
    ...network,
    encoders: [...network.encoders, own].sort(byId),
    genesis: {
      ...network.genesis,
      encoders: [...network.genesis.encoders, entry].sort((a, b) => compareHex(a.encoder, b.encoder)),
    },
  };
}

/** A service of the operator in a process of its own. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<void>;
  output = "";

  constructor(service: string, env: Record<string, string>) {
    this.#child = spawn(process.execPath, [join(ROOT, "services", service, "src/main.ts")], {
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr!.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child.kill(signal);
    await this.ended;
  }
}

/** One encoder operator's processes among played peers, with the played network on its NATS in peering's place. */
export class TestOperatorSite {
  readonly scenario: Scenario;
  readonly gateway: PlayedGateway;
  readonly encoder: string;
  readonly bus: Bus;
  /** SHA-256 of the items' blob on the gateway. */
  readonly data: string;
  readonly #env: Record<string, string>;
  readonly #processes: ServiceProcess[] = [];

  private constructor(site: {
    scenario: Scenario;
    gateway: PlayedGateway;
    encoder: string;
    bus: Bus;
    data: string;
    env: Record<string, string>;
  }) {
    this.scenario = site.scenario;
    this.gateway = site.gateway;
    this.encoder = site.encoder;
    this.bus = site.bus;
    this.data = site.data;
    this.#env = site.env;
  }

  static async open(resources: TestResources, databaseUrl: string): Promise<TestOperatorSite> {
    const nats = await resources.nats();
    const folder = await resources.folder();
    const keyFile = join(folder, "key.json");
    createKeyFile(keyFile, "encoder", SEED);
    const keys = new EncoderKeys(SEED);
    const manifest = await import(join(ROOT, "models/tokenizer/manifest.json"), { with: { type: "json" } });
    const network = networkWith(keys, manifest.default.sha256);
    const encoder = keys.account.address;
    const scenario = new Scenario(network, [encoder]);
    const gateway = resources.use(await PlayedGateway.open(scenario));
    const genesis = join(folder, "genesis.bin");
    await writeFile(genesis, encodeGenesis(network.genesis));
    const bus = resources.use(
      await Bus.open({
        servers: nats.url,
        name: "peering",
        network: "test",
        telemetry: Telemetry.silent("peering"),
      }),
    );
    const env = {
      SOMA_NETWORK: "test",
      SOMA_OPERATOR: "e0",
      SOMA_NATS_URL: nats.url,
      SOMA_DATABASE_URL: databaseUrl,
      SOMA_KEY_FILE: keyFile,
      SOMA_GENESIS: genesis,
      SOMA_DATA: folder,
      SOMA_ENCODER_MODEL: join(ROOT, "models/salience"),
      SOMA_ENCODER_TOKENIZER: join(ROOT, "models/tokenizer"),
      SOMA_ENCODER_GATEWAYS: gateway.url,
      SOMA_PEER_NETWORKS: "127.0.0.0/8",
      SOMA_ENCODER_REDELIVER_AFTER: "1s",
      SOMA_SCORER_REDELIVER_AFTER: "1s",
      SOMA_LOG: "info",
    };
    const data = gateway.put(encodeItems(ITEMS));
    const site = new TestOperatorSite({ scenario, gateway, encoder, bus, data, env });
    await site.#connect();
    resources.defer(() => site.close());
    return site;
  }

  start(service: string, env: Record<string, string> = {}): ServiceProcess {
    const started = new ServiceProcess(service, { ...this.#env, ...env });
    this.#processes.push(started);
    return started;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.kill()));
  }

  /** What the operator's processes wrote, for a failing test's message. */
  get output(): string {
    return this.#processes.map((one) => one.output).join("\n---\n");
  }

  /** Puts what the played encoders reveal on the gateway. */
  serveVectors(): void {
    for (const encoder of this.scenario.actors.keys()) this.gateway.put(this.scenario.blobOf(encoder));
  }

  /** Stands where peering stands: takes what the encoder sends, and hands in what the others do. */
  async #connect(): Promise<void> {
    const { scenario, bus, encoder } = this;
    scenario.outside = (_, sender, relayed) => {
      const body = encodeJobMessage(
        RelayedJobMessageCodec.parse(RelayedJobMessageCodec.serialize(relayed).toBytes()),
      );
      void bus.publish(PeerMessageReceived, { type: "job-message" }, { sender, body: [...body] as never });
    };
    await bus.subscribe(SendToPeer, { type: "job-message" }, ({ recipient, body }) => {
      const relayed = decodeJobMessage(Uint8Array.from(body));
      if (!relayed.ok) throw new Error(relayed.message);
      this.#learn(relayed.value.message);
      scenario.arrive(encoder, recipient, relayed.value.message);
    });
  }

  /** The played encoders evaluate what the real one put on the gateway. */
  #learn(message: Parameters<Scenario["arrive"]>[2]): void {
    if (!("Reveal" in message) || message.Reveal === undefined) return;
    const blob = this.gateway.blobs.get(toHexOf(message.Reveal.vectors));
    if (blob !== undefined) this.scenario.blobs.set(this.encoder, blob);
  }
}

function toHexOf(hash: string | Uint8Array): string {
  return typeof hash === "string" ? hash : toHex(hash);
}
