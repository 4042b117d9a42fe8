import { err, minBig, ok, type Result, SomaError } from "@soma/base";
import { GatewayClient, type GatewayHealth, LedgerFollower } from "@soma/client";
import type { ConsensusStatus, GetHead, ListOperators, ListPeers, Reply, StateStatus } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import { type CertifiedCheckpoint, type Genesis, verifyCertificate } from "@soma/protocol";

export type Head = Reply<typeof GetHead>;
export type Consensus = Reply<typeof ConsensusStatus>;
export type Execution = Reply<typeof StateStatus>;
export type Operators = Reply<typeof ListOperators>;
type Peers = Reply<typeof ListPeers>["peers"];

/** What one gateway answered, part by part: a service behind it may be away while others answer. */
export interface GatewayReport {
  readonly url: string;
  /** Refused: the gateway itself cannot be asked. */
  readonly health: Result<GatewayHealth>;
  readonly head: Result<Head>;
  readonly execution: Result<Execution>;
  readonly consensus: Result<Consensus>;
  readonly peers: Result<Peers>;
  /** Its certified checkpoint of the survey's `sequence`; undefined if it has none. */
  readonly certified: CertifiedCheckpoint | undefined;
  /** Whether that certificate is a quorum's; undefined without a genesis file, or before its epoch was proven. */
  readonly proof: Result<true> | undefined;
}

/** One look at the network through all given gateways. */
export interface Survey {
  readonly at: number;
  /** The newest checkpoint that every answering gateway should have; 0 if there is none. */
  readonly sequence: bigint;
  readonly gateways: readonly GatewayReport[];
  readonly operators: Operators | undefined;
  /** Why hand-overs from the genesis could not be followed. */
  readonly handoverFault: { readonly code: string; readonly message: string } | undefined;
}

/** Asks gateways, each for itself. Keeps what it proved of epochs from one look to the next. */
export class Surveyor {
  readonly #clients: readonly { readonly url: string; readonly client: GatewayClient }[];
  readonly #genesis: Genesis | undefined;
  #follower: LedgerFollower | undefined;

  /** @param timeoutMs for one answer of one gateway */
  constructor(options: {
    gateways: readonly string[];
    genesis: Genesis | undefined;
    timeoutMs: number;
  }) {
    const { gateways, genesis, timeoutMs } = options;
    this.#genesis = genesis;
    this.#clients = gateways.map((url) => ({
      url,
      client: new GatewayClient({ gateways: [url], retries: 0, timeoutMs }),
    }));
  }

  async look(): Promise<Survey> {
    const asked = await Promise.all(
      this.#clients.map(async ({ url, client }) => {
        const [health, head, execution, consensus, peers] = await Promise.all([
          part(client.health()),
          part(client.head()),
          part(client.state()),
          part(client.consensus()),
          part(client.peers().then((answer) => answer.peers)),
        ]);
        return { url, client, health, head, execution, consensus, peers };
      }),
    );
    const answering = asked.filter(({ health }) => health.ok);
    const sequence = answering
      .flatMap(({ head }) => (head.ok ? [head.value.checkpoint] : []))
      .reduce<bigint | undefined>(
        (least, next) => (least === undefined ? next : minBig(least, next)),
        undefined,
      );
    const handoverFault = await this.#followEpochs(answering.map(({ client }) => client));
    const gateways = await Promise.all(
      asked.map(async ({ client, ...report }): Promise<GatewayReport> => {
        const found =
          report.health.ok && sequence !== undefined && sequence > 0n
            ? await part(client.checkpoint(sequence))
            : undefined;
        const certified = found?.ok === true ? found.value : undefined;
        return { ...report, certified, proof: certified && this.#prove(certified) };
      }),
    );
    const operators = await firstOf(
      answering.map(
        ({ client }) =>
          () =>
            client.operators(),
      ),
    );
    return { at: Date.now(), sequence: sequence ?? 0n, gateways, operators, handoverFault };
  }

  /** Hand-overs from whichever gateway has them; each is proven, so one liar among them cannot mislead. */
  async #followEpochs(clients: readonly GatewayClient[]): Promise<Survey["handoverFault"]> {
    if (this.#genesis === undefined) return undefined;
    let fault: Survey["handoverFault"];
    for (const client of clients) {
      const saved = this.#follower?.save();
      const follower = LedgerFollower.open({
        client,
        genesis: this.#genesis,
        ...(saved === undefined ? {} : { saved }),
      });
      const followed = await part(follower.skipToPresent());
      if (followed.ok) {
        this.#follower = follower;
        return undefined;
      }
      fault = { code: followed.code, message: `${client.http.gateway}: ${followed.message}` };
    }
    return fault;
  }

  #prove(certified: CertifiedCheckpoint): Result<true> | undefined {
    const epoch = this.#follower?.light.epochInfo(certified.checkpoint.epoch);
    if (epoch === undefined || this.#genesis === undefined) return undefined;
    return verifyCertificate(this.#genesis.chainId, certified, epoch, nativeVerifier);
  }
}

/** An answer, or why there is none; what is no refusal of a gateway is a fault of ours and thrown. */
async function part<T>(answer: Promise<T>): Promise<Result<T>> {
  try {
    return ok(await answer);
  } catch (error) {
    if (error instanceof SomaError) return err(error.code, error.message);
    throw error;
  }
}

async function firstOf<T>(asks: readonly (() => Promise<T>)[]): Promise<T | undefined> {
  for (const ask of asks) {
    const found = await part(ask());
    if (found.ok) return found.value;
  }
  return undefined;
}
