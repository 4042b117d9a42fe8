import { GetAccount, GetHead } from "@soma/contracts";
import { service as gateway } from "@soma/gateway";
import type { AccountKey } from "@soma/identity";
import { freePort } from "@soma/launcher";
import { service as mempool } from "@soma/mempool";
import { service as rewards } from "@soma/rewards";
import { ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, TestResources } from "@soma/testkit";
import { CommitChain, genesisOf, operatorFiles, validatorKeys } from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";

const EPOCH_MS = 60_000n;

/** Gateway, mempool and ledger of one validator, measured, in epoch 1; the test is its consensus. */
export class MeasuredOperator {
  readonly resources = new TestResources();
  readonly source: CommitSource;
  /** Base URL of the gateway. */
  readonly url: string;

  private constructor(resources: TestResources, source: CommitSource, url: string) {
    this.resources = resources;
    this.source = source;
    this.url = url;
  }

  static async open(
    network: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<MeasuredOperator> {
    const resources = new TestResources();
    const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
    const chain = new CommitChain();
    const source = await CommitSource.open(resources, { network, servers: nats.url, chain });
    const databaseUrl = await postgres.createDatabase(network);
    const platform = {
      operator: "v0",
      network,
      servers: nats.url,
      databaseUrl,
      logLevel: "error",
      metrics: true,
    } as const;
    const port = await freePort();
    const genesis = genesisOf(validatorKeys(1), { epochLength: EPOCH_MS });
    const files = await operatorFiles(await resources.folder(), genesis, 0);
    const env = { ...files, SOMA_GATEWAY_PORT: String(port), ...variables };
    resources.use(await ServiceHost.open({ platform, services: [state, rewards], env }));
    resources.use(await ServiceHost.open({ platform, services: [mempool, gateway], env }));
    // So that there is an epoch that is over.
    await source.decide([], EPOCH_MS + 1n);
    await eventually(async () => (await source.ask(GetHead, {})).epoch === 1n);
    chain.epoch = 1n;
    return new MeasuredOperator(resources, source, `http://127.0.0.1:${port}`);
  }

  async sequenceOf(key: AccountKey): Promise<bigint> {
    return (await this.source.ask(GetAccount, { address: key.address })).sequence;
  }

  close(): Promise<void> {
    return this.resources.close();
  }
}
