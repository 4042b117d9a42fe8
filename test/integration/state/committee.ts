import { GetCheckpoint, PeerMessageReceived, SendToPeer } from "@soma/contracts";
import { EVERYBODY, type Genesis } from "@soma/protocol";
import { type AnyService, ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, type NatsServer, type PostgresServer, type TestResources } from "@soma/testkit";
import { CommitChain, operatorFiles } from "./chain.ts";
import { CommitSource } from "./operator.ts";

const CARRIED = [
  "checkpoint-signature",
  "checkpoint-request",
  "checkpoint-response",
  "override",
  "override-request",
] as const;

/** One operator of a committee. */
export interface Member {
  readonly network: string;
  readonly databaseUrl: string;
  readonly source: CommitSource;
  /** Its state, or these services. */
  readonly start: (services?: readonly AnyService[]) => Promise<ServiceHost>;
  /** Neither sends to others nor hears of them. */
  isCut: boolean;
}

/**
 * Operators with their states, each with its own network on one server, in the order of `addresses`; the test carries
 * envelopes as peering would.
 */
export async function openCommittee(options: {
  readonly resources: TestResources;
  readonly nats: NatsServer;
  readonly postgres: PostgresServer;
  readonly name: string;
  readonly genesis: Genesis;
  readonly addresses: readonly string[];
  /** Other variables for the services, as SOMA_STATE_RESEND_INTERVAL. */
  readonly env?: Readonly<Record<string, string>>;
  /** What becomes of a checkpoint signature on its way. */
  readonly tamper?: (from: number, body: Uint8Array) => Uint8Array;
}) {
  const { resources, nats, postgres, name, genesis, addresses, tamper } = options;
  const chain = new CommitChain();
  const members: Member[] = [];
  const carried: string[] = [];
  for (const i of addresses.keys()) {
    const network = `${name}-${i}`;
    const files = await operatorFiles(await resources.folder(), genesis, i);
    const source = await CommitSource.open(resources, { network, servers: nats.url, chain });
    const databaseUrl = await postgres.createDatabase(`${name}_${i}`);
    const platform = {
      operator: `v${i}`,
      network,
      servers: nats.url,
      databaseUrl,
      logLevel: "error" as const,
    };
    const env = { ...files, SOMA_STATE_RESEND_INTERVAL: "200ms", ...options.env };
    const start = async (services: readonly AnyService[] = [state]) =>
      resources.use(await ServiceHost.open({ platform, services, env }));
    members.push({ network, databaseUrl, source, start, isCut: false });
    for (const type of CARRIED) {
      await source.bus.subscribe(SendToPeer, { type }, async ({ recipient, body }) => {
        if (members[i]!.isCut) return;
        carried.push(`${i} ${type}`);
        const sent = type === "checkpoint-signature" && tamper !== undefined ? tamper(i, body) : body;
        for (const [j, to] of members.entries()) {
          if (j === i || to.isCut || (recipient !== EVERYBODY && recipient !== addresses[j])) continue;
          await to.source.bus.publish(PeerMessageReceived, { type }, { sender: addresses[i]!, body: sent });
        }
      });
    }
  }
  const decide = async (
    transactions: Uint8Array[] = [],
    to: readonly Member[] = members,
    elapsedMs?: bigint,
  ) => {
    const index = chain.next(transactions, elapsedMs);
    for (const { source } of to) await source.publish(index);
    return index;
  };
  const certifies = (i: number, commit: bigint) =>
    eventually(
      async () => {
        const found = await members[i]!.source.ask(GetCheckpoint, { sequence: null });
        return found !== null && found.checkpoint.commitIndex >= commit ? found : false;
      },
      { within: 20_000 },
    );
  return { chain, members, carried, decide, certifies };
}
