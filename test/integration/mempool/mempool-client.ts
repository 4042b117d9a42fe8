import { ok, type Result, SomaError } from "@soma/base";
import {
  GetAdmission,
  MempoolReplica,
  type Payload,
  partitionOfTransaction,
  type Reply,
  type Submission,
  SubmitTransactions,
  TakeBatch,
} from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import { eventually } from "@soma/testkit";

type Announced = Payload<typeof MempoolReplica>;

/** The part of an operator that its mempool sees of gateway and consensus. */
export class MempoolClient {
  readonly #bus: Bus;
  /** What each replica said last. */
  readonly replicas = new Map<string, Announced>();

  private constructor(bus: Bus) {
    this.#bus = bus;
  }

  static async open(bus: Bus): Promise<MempoolClient> {
    const client = new MempoolClient(bus);
    await bus.subscribe(MempoolReplica, {}, (announced) => {
      if (announced.partitions.length === 0) client.replicas.delete(announced.replica);
      else client.replicas.set(announced.replica, announced);
    });
    return client;
  }

  /** @throws SomaError when nobody answers */
  async submit(bytes: Uint8Array): Promise<Submitted> {
    return told(await this.trySubmit(bytes));
  }

  async trySubmit(bytes: Uint8Array, timeoutMs = 30_000): Promise<Result<Submitted>> {
    const answer = await this.submitAll(partitionOfTransaction(bytes), [bytes], timeoutMs);
    return answer.ok ? ok(submitted(answer.value[0]!)) : answer;
  }

  /** In one message to whoever has the partition. */
  submitAll(
    partition: number,
    transactions: Uint8Array[],
    timeoutMs = 30_000,
  ): Promise<Result<Submission[]>> {
    return this.#bus.request(SubmitTransactions, { partition }, transactions, { timeoutMs });
  }

  /** All that may go into a block, of every replica that answers; waits until one has said that it is there. */
  async take(maxTransactions = 512): Promise<Uint8Array[]> {
    await eventually(() => this.replicas.size > 0);
    const all: Uint8Array[] = [];
    for (const replica of this.replicas.keys()) {
      const batch = await this.#bus.request(
        TakeBatch,
        { replica },
        { maxTransactions, maxBytes: 512 * 1024 },
        { failFast: true },
      );
      if (batch.ok) all.push(...batch.value);
      else this.replicas.delete(replica);
    }
    return all;
  }

  async admission(digest: string): Promise<Reply<typeof GetAdmission>> {
    return told(await this.#bus.request(GetAdmission, {}, { digest }));
  }
}

/** An answer to one transaction, flat. */
type Submitted =
  | { readonly accepted: true; readonly digest: string; readonly known: boolean }
  | {
      readonly accepted: false;
      readonly code: string;
      readonly message: string;
      readonly minimumTip: bigint | null;
    };

function submitted({ Admitted, Refused }: Submission): Submitted {
  return Admitted !== undefined ? { accepted: true, ...Admitted } : { accepted: false, ...Refused! };
}

function told<T>(answer: Result<T>): T {
  if (!answer.ok) throw new SomaError(answer.code, answer.message);
  return answer.value;
}
