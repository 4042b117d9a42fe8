import { join } from "node:path";
import { type EmbeddedJob, embed, GatewayClient, type JobStage, LedgerFollower } from "@soma/client";
import type { Genesis, Hex32, JobOutcome } from "@soma/protocol";
import type { TestNetwork } from "./network.ts";

let jobs = 0;

/** Texts that no other job has. */
export function textsOf(topic: string): Uint8Array[] {
  return [
    `The ${topic} was seen early in the morning by people who walked along the river.`,
    `Nobody in the old town had ever written a word about the ${topic} before.`,
    `Bread is baked from flour, water and salt, and has nothing to do with a ${topic}.`,
  ].map((text) => Buffer.from(text, "utf8"));
}

/** One job of the network's wallet, by a client of its own; `onStage` hears each stage when it begins. */
export function runJob(
  network: TestNetwork,
  onStage: (stage: JobStage, job: Hex32 | undefined) => void = () => {},
): Promise<EmbeddedJob> {
  const { devnet, wallet, folder } = network;
  const number = jobs++;
  const seen = new Set<JobStage>();
  let job: Hex32 | undefined;
  return embed(textsOf(`heron number ${number}`), [], {
    client: new GatewayClient({ gateways: devnet.client.http.gateways, timeoutMs: 10_000 }),
    genesis: devnet.genesis,
    account: wallet,
    journalPath: join(folder, "jobs", `${number}.json`),
    onProgress: ({ stage, detail }) => {
      if (stage === "paid") job = String(detail["job"]);
      if (seen.has(stage)) return;
      seen.add(stage);
      onStage(stage, job);
    },
  });
}

export interface JobEnd {
  readonly outcome: JobOutcome;
  /** The commit that closed it. */
  readonly commit: bigint;
}

/** Follows the ledger as a light client and remembers how each job was paid and ended: proven, not told. */
export class LedgerWatch {
  readonly paidAt = new Map<Hex32, { commit: bigint; escrow: bigint }>();
  readonly ended = new Map<Hex32, JobEnd>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(gateways: readonly string[], genesis: Genesis) {
    const client = new GatewayClient({ gateways, timeoutMs: 10_000 });
    this.#running = this.#run(LedgerFollower.open({ client, genesis, waitMs: 1_000 }));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(follower: LedgerFollower): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const parts = await follower.next().catch(() => []);
      if (parts.length === 0) await new Promise((resolve) => setTimeout(resolve, 200));
      for (const { facts } of parts) {
        const effects = [
          ...facts.transactions.map(({ leaf }) => ({ commit: leaf.commit, events: leaf.events })),
          ...facts.deadlines,
        ];
        for (const { commit, events } of effects)
          for (const event of events) {
            if (event.$kind === "JobPaid") this.paidAt.set(event.JobPaid.job, event.JobPaid);
            if (event.$kind === "JobClosed")
              this.ended.set(event.JobClosed.job, { outcome: event.JobClosed.outcome, commit });
          }
      }
    }
  }
}
