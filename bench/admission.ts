import { service as gateway } from "@soma/gateway";
import { AccountKey } from "@soma/identity";
import { freePort } from "@soma/launcher";
import { service as mempool } from "@soma/mempool";
import { ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { TestResources } from "@soma/testkit";
import {
  CommitChain,
  genesisOf,
  operatorFiles,
  seedOf,
  signed,
  transfer,
  validatorKeys,
} from "../test/integration/state/chain.ts";
import { CommitSource } from "../test/integration/state/operator.ts";
import { cpuSeconds } from "./support/cpu-time.ts";
import { Submitter } from "./support/transfers.ts";

const SENDERS = 128;
/** Of each sender: those that warm the code up, and those that are measured. */
const WARM = 10;
const MEASURED = 80;
/** Transfers without an answer at once. */
const WINDOW = 4_096;

export interface AdmissionResult {
  /** Accepted a second: checked, held against the ledger, on disk, answered. */
  readonly accepted: number;
  /** Processor time of one, ms: client, gateway, mempool, state and the signature's thread, which share a process. */
  readonly servicesMs: number;
  /** The same of Postgres and nats-server. */
  readonly serversMs: number;
}

/** What it costs one validator to accept a transfer: gateway, mempool and ledger alone, which decide nothing. */
export async function benchAdmission(say: (text: string) => void): Promise<AdmissionResult> {
  const resources = new TestResources();
  try {
    const network = "admission";
    const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
    const payers = Array.from({ length: SENDERS }, (_, i) => AccountKey.fromSeed(seedOf(`payer ${i}`)));
    const port = await freePort();
    const env = {
      ...(await operatorFiles(await resources.folder(), genesisOf(validatorKeys(1), {}, payers), 0)),
      SOMA_GATEWAY_PORT: String(port),
      SOMA_GATEWAY_QUOTA_EXEMPT: "127.0.0.0/8",
      // Nothing is ever taken for a block.
      SOMA_MEMPOOL_TRANSACTIONS: String(4 * SENDERS * (WARM + MEASURED)),
      SOMA_MEMPOOL_QUEUE_WAIT: "1h",
    };
    const platform = {
      operator: "v0",
      network,
      servers: nats.url,
      databaseUrl: await postgres.createDatabase(network),
      logLevel: "error" as const,
    };
    await CommitSource.open(resources, { network, servers: nats.url, chain: new CommitChain() });
    for (const service of [state, mempool, gateway]) {
      resources.use(await ServiceHost.open({ platform, services: [service], env }));
    }
    const transfers = Array.from({ length: WARM + MEASURED }, (_, sequence) =>
      payers.map((payer) => signed(payer, BigInt(sequence), transfer(payer.address, 1n)).bytes),
    ).flat();
    const submitter = new Submitter([`http://127.0.0.1:${port}`]);
    resources.defer(() => submitter.close());
    const hand = async (some: readonly Uint8Array[]) => {
      const queue = some.values();
      const send = async () => {
        for (const bytes of queue) {
          if ((await submitter.submit(0, bytes)) !== undefined) {
            throw new Error(`refused: ${[...submitter.refusals.keys()].join()}`);
          }
        }
      };
      await Promise.all(Array.from({ length: WINDOW }, send));
    };
    say(`${transfers.length} transfers of ${SENDERS} accounts`);
    await hand(transfers.slice(0, WARM * SENDERS));
    const [began, own, servers] = [performance.now(), process.cpuUsage(), serversCpuMs()];
    await hand(transfers.slice(WARM * SENDERS));
    const count = MEASURED * SENDERS;
    const { user, system } = process.cpuUsage(own);
    return {
      accepted: Math.round((1000 * count) / (performance.now() - began)),
      servicesMs: (user + system) / 1000 / count,
      serversMs: (serversCpuMs() - servers) / count,
    };
  } finally {
    await resources.close();
  }
}

/** CPU time so far of the servers that this process started, in milliseconds. */
function serversCpuMs(): number {
  return 1000 * (cpuSeconds(({ pid }) => (pid === process.pid ? "own" : "servers")).get("servers") ?? 0);
}
