import { join } from "node:path";
import { maxBig, minBig } from "@soma/base";
import { DevnetNetwork, type DevnetPlan, gatewaysOf, type OperatorPlan, planDevnet } from "@soma/cli";
import { GatewayClient } from "@soma/client";
import { AccountKey, loadKeyFile } from "@soma/identity";
import type { Parameters } from "@soma/protocol";
import { eventually, type TestResources } from "@soma/testkit";
import { onTestFailed } from "vitest";
import { tellLogs } from "./logs.ts";

export interface TestNetworkOptions {
  readonly validators: number;
  readonly encoders: number;
  /** Operators at the end of the plan's lists that are no founders; see `startOperator` of the devnet. */
  readonly guests?: { readonly validators: number; readonly encoders: number };
  readonly basePort: number;
  readonly processes: "operator" | "service";
  readonly parameters?: Partial<Parameters>;
}

/** A real network of processes in a folder of its own. */
export class TestNetwork {
  readonly devnet: DevnetNetwork;
  readonly guests: readonly OperatorPlan[];
  readonly wallet: AccountKey;
  readonly folder: string;
  /** What the supervisor said. */
  readonly story: readonly string[];

  private constructor(parts: Pick<TestNetwork, "devnet" | "guests" | "wallet" | "folder" | "story">) {
    this.devnet = parts.devnet;
    this.guests = parts.guests;
    this.wallet = parts.wallet;
    this.folder = parts.folder;
    this.story = parts.story;
  }

  /** Starts it and waits until it is usable; it ends with `resources`. */
  static async open(resources: TestResources, options: TestNetworkOptions): Promise<TestNetwork> {
    const { basePort, processes, guests = { validators: 0, encoders: 0 } } = options;
    const folder = join(await resources.folder(), "devnet");
    const all = planDevnet({
      folder,
      validators: options.validators + guests.validators,
      encoders: options.encoders + guests.encoders,
      basePort,
    });
    const founders = { validator: options.validators, encoder: options.encoders };
    const isFounder = ({ kind, name }: OperatorPlan) => Number(name.slice(1)) < founders[kind];
    const plan: DevnetPlan = { ...all, operators: all.operators.filter(isFounder) };
    const story: string[] = [];
    const began = performance.now();
    const devnet = await DevnetNetwork.start({
      plan,
      genesis: options.parameters === undefined ? {} : { parameters: options.parameters },
      processes,
      onProgress: (text) => story.push(`${((performance.now() - began) / 1000).toFixed(1)} s  ${text}`),
      env: process.env,
    });
    resources.defer(() => devnet.stop());
    try {
      await devnet.ready(240_000);
    } catch (error) {
      throw new Error(`${error}\n${story.join("\n")}\n${tellLogs(folder)}`);
    }
    return new TestNetwork({
      devnet,
      guests: all.operators.filter((operator) => !isFounder(operator)),
      wallet: AccountKey.fromSeed(loadKeyFile(plan.walletFile, "account").seed),
      folder,
      story,
    });
  }

  /** Clients of one gateway each. */
  get clients(): GatewayClient[] {
    return gatewaysOf(this.devnet.plan).map((url) => clientOfOne(url));
  }

  /** Should the present test fail, tells the last log lines of these processes, and the others' warnings. */
  tellOnFailure(...processes: string[]): void {
    onTestFailed(() => {
      console.error(`${this.story.join("\n")}\n${tellLogs(this.folder, processes)}`);
    });
  }
}

export function clientOfOne(gateway: string): GatewayClient {
  return new GatewayClient({ gateways: [gateway], retries: 0, timeoutMs: 5_000 });
}

/**
 * Waits until these validators certify in step, then compares commit digest, state digest and effects root of a
 * checkpoint that all have; returns its sequence.
 */
export async function agreedCheckpoint(clients: readonly GatewayClient[], within = 60_000): Promise<bigint> {
  const sequence = await eventually(
    async () => {
      const newest = await Promise.all(clients.map(async (client) => (await client.head()).checkpoint));
      const least = newest.reduce(minBig);
      const most = newest.reduce(maxBig);
      if (most - least > 25n) throw new Error(`validators stand at checkpoints ${newest.join(", ")}`);
      return least;
    },
    { within, every: 100 },
  );
  const facts = await Promise.all(
    clients.map(async (client) => {
      const certified = await client.checkpoint(sequence);
      if (certified === undefined) throw new Error(`a validator lacks checkpoint ${sequence}`);
      const { commitIndex, commitDigest, stateDigest, effectsRoot, epoch } = certified.checkpoint;
      return `epoch ${epoch} commit ${commitIndex} ${commitDigest} state ${stateDigest} effects ${effectsRoot}`;
    }),
  );
  if (new Set(facts).size !== 1)
    throw new Error(`validators differ at checkpoint ${sequence}:\n${facts.join("\n")}`);
  return sequence;
}

/** Everything that exists, by kind of holding: its sum is the cap (LEDGER-4). */
export async function totalSupply(client: GatewayClient): Promise<bigint> {
  const { supply } = await client.head();
  return Object.values(supply).reduce((sum, part) => sum + part, 0n);
}
