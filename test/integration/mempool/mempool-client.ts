import { type Result, SomaError } from "@soma/base";
import {
  GetAdmission,
  MempoolReplica,
  type Payload,
  partitionOfTransaction,
  type Reply,
  SubmitTransaction,
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
  async submit(bytes: Uint8Array): Promise<Reply<typeof SubmitTransaction>> {
    return told(await this.trySubmit(bytes));
  }

  trySubmit(bytes: Uint8Array, timeoutMs = 30_000): Promise<Result<Reply<typeof SubmitTransaction>>> {
    return this.#bus.request(SubmitTransaction, { partition: partitionOfTransaction(bytes) }, bytes, {
      timeoutMs,
    });
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

function told<T>(answer: Result<T>): T {
  if (!answer.ok) throw new SomaError(answer.code, answer.message);
  return answer.value;
}
