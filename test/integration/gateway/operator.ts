import { compareHex, toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { Ed25519Key } from "@soma/crypto/native";
import { service as gateway } from "@soma/gateway";
import { EncoderKeys } from "@soma/identity";
import { freePort } from "@soma/launcher";
import {
  dataCommitment,
  encodeItems,
  encodeJobMessage,
  type Genesis,
  jobSigningBytes,
  type Parameters,
  TOKEN,
} from "@soma/protocol";
import { service as rewards } from "@soma/rewards";
import { type Platform, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import {
  CHAIN_ID,
  CommitChain,
  genesisOf,
  operatorFiles,
  people,
  seedOf,
  signed,
  validatorKeys,
} from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";

export const validators = validatorKeys(1);
export const VALIDATOR = validators[0]!.account.address;

const encoders = Array.from({ length: 5 }, (_, i) => new EncoderKeys(seedOf(`encoder ${i}`)));

/** A network of one validator and of encoders that never come. */
export function gatewayGenesis(change: Partial<Parameters> = {}): Genesis {
  return {
    ...genesisOf(validators, change),
    encoders: encoders
      .map((keys) => ({
        encoder: keys.account.address,
        stake: 100n * TOKEN,
        messageKey: keys.message.publicKey,
        blsKey: keys.bls.publicKey,
        asks: [{ modality: 0, pricePerByte: 10n, tokenizer: "00".repeat(32) }],
      }))
      .sort((a, b) => compareHex(a.encoder, b.encoder)),
  };
}

/** The real servers of one test file. */
export class Servers {
  readonly resources = new TestResources();
  nats!: NatsServer;
  postgres!: PostgresServer;

  async open(): Promise<void> {
    [this.nats, this.postgres] = await Promise.all([this.resources.nats(), this.resources.postgres()]);
  }

  close(): Promise<void> {
    return this.resources.close();
  }
}

/** A validator's ledger and gateway in this process; the test plays consensus. */
export class GatewayOperator {
  readonly source: CommitSource;
  readonly url: string;
  readonly #platform: Platform;
  readonly #env: Record<string, string>;
  readonly #resources: TestResources;
  #gateway: ServiceHost | undefined;
  #state: ServiceHost | undefined;

  private constructor(options: {
    source: CommitSource;
    port: number;
    platform: Platform;
    env: Record<string, string>;
    resources: TestResources;
  }) {
    this.source = options.source;
    this.url = `http://127.0.0.1:${options.port}`;
    this.#platform = options.platform;
    this.#env = options.env;
    this.#resources = options.resources;
  }

  static async open(
    servers: Servers,
    network: string,
    options: { genesis?: Genesis; env?: Record<string, string> } = {},
  ): Promise<GatewayOperator> {
    const { genesis = gatewayGenesis(), env = {} } = options;
    const { resources } = servers;
    const port = await freePort();
    const platform: Platform = {
      operator: "v0",
      network,
      servers: servers.nats.url,
      databaseUrl: await servers.postgres.createDatabase(network),
      logLevel: "error",
    };
    const source = await CommitSource.open(resources, {
      network,
      servers: servers.nats.url,
      chain: new CommitChain(),
    });
    const operator = new GatewayOperator({
      source,
      port,
      platform,
      resources,
      env: {
        ...(await operatorFiles(await resources.folder(), genesis, 0)),
        SOMA_GATEWAY_PORT: String(port),
        ...env,
      },
    });
    await operator.restartState();
    await operator.start();
    return operator;
  }

  async restartState(env: Record<string, string> = {}): Promise<void> {
    await this.#state?.close();
    this.#state = this.#resources.use(
      await ServiceHost.open({
        platform: this.#platform,
        services: [state, rewards],
        env: { ...this.#env, ...env },
      }),
    );
  }

  /** Starts the gateway, again after `stop`. */
  async start(env: Record<string, string> = {}): Promise<void> {
    this.#gateway = this.#resources.use(
      await ServiceHost.open({
        platform: this.#platform,
        services: [gateway],
        env: { ...this.#env, ...env },
      }),
    );
  }

  async stop(): Promise<void> {
    await this.#gateway?.close();
  }

  /** Where the gateway keeps its blobs. */
  get dataFolder(): string {
    return this.#env["SOMA_DATA"]!;
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, init);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are compared with what is expected of them
  async json(path: string, init: RequestInit = {}): Promise<any> {
    return (await this.get(path, init)).json();
  }

  /** Waits until the gateway shows a commit as executed; its history is read from where the head is. */
  async reaches(commit: bigint): Promise<void> {
    await eventually(async () => BigInt((await this.json("/v1/head")).commit) >= commit, { within: 60_000 });
    const { commits } = await this.json("/v1/commits?limit=1");
    if (commits.length === 0 || BigInt(commits[0].commit) < commit) throw new Error("the history is behind");
  }
}

/** A job as its submitter knows it. */
export class TestJob {
  readonly items: Uint8Array[];
  readonly session: Ed25519Key;
  readonly blob: Uint8Array;
  readonly dataHash: string;
  readonly payment: { readonly digest: string; readonly bytes: Uint8Array };

  /** @param sequence of person 0, who pays */
  constructor(name: string, sequence: bigint) {
    this.items = ["one", "two", "three"].map((text) => Buffer.from(`${text} of ${name}`));
    this.session = Ed25519Key.fromSeed(Buffer.from(seedOf(`session ${name}`), "hex"));
    this.blob = encodeItems(this.items);
    this.dataHash = toHex(merkleRoot(this.items));
    this.payment = signed(people[0]!, sequence, {
      GenerateEmbeddings: {
        modality: 0,
        dataCommitment: dataCommitment(CHAIN_ID, this.dataHash, people[0]!.address),
        sizeBytes: this.items.reduce((sum, item) => sum + BigInt(item.length), 0n),
        items: this.items.length,
        sessionKey: this.session.publicKey,
        maxPricePerByte: 1_000_000n,
        jobTip: 1n,
      },
    });
  }

  get id(): string {
    return this.payment.digest;
  }

  /** The bytes of an offer under a session key. */
  offer(options: { data: string; signer?: Ed25519Key; job?: string; mailbox?: string }): Uint8Array {
    const { data, signer = this.session, job = this.id, mailbox = VALIDATOR } = options;
    const offer = { job, attempt: 0, dataHash: this.dataHash };
    const sessionSignature = signer.sign(jobSigningBytes(CHAIN_ID, "offer", offer));
    return encodeJobMessage({ job, mailbox, message: { Offer: { offer, data, sessionSignature } } });
  }
}
