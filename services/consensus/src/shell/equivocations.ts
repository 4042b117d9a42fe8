import { GetAccount, GetHead, partitionOfTransaction, SubmitTransactions } from "@soma/contracts";
import type { ValidatorKeys } from "@soma/identity";
import { decodeSignedBlock, encodeSignedHeader } from "@soma/protocol";
import type { Bus } from "@soma/runtime";

/** Brings two signed blocks of one slot to the ledger (CONS-13): this validator gets the share of who brought it. */
export class Equivocations {
  readonly #bus: Bus;
  readonly #chainId: string;
  readonly #keys: ValidatorKeys;
  readonly #onError: (error: unknown) => void;

  constructor(options: {
    bus: Bus;
    chainId: string;
    keys: ValidatorKeys;
    onError: (error: unknown) => void;
  }) {
    this.#bus = options.bus;
    this.#chainId = options.chainId;
    this.#keys = options.keys;
    this.#onError = options.onError;
  }

  /** Two blocks as received. */
  report(first: Uint8Array, second: Uint8Array): void {
    const [a, b] = [decodeSignedBlock(first), decodeSignedBlock(second)];
    if (!a.ok || !b.ok) return;
    const evidence = [a.value, b.value].map((block) => encodeSignedHeader(this.#chainId, block));
    this.#submit(evidence[0]!, evidence[1]!).catch(this.#onError);
  }

  async #submit(first: Uint8Array, second: Uint8Array): Promise<void> {
    const account = await this.#bus.request(GetAccount, {}, { address: this.#keys.account.address });
    const head = await this.#bus.request(GetHead, {}, {});
    if (!account.ok || !head.ok) return;
    const { bytes } = this.#keys.account.sign({
      chainId: this.#chainId,
      sequence: account.value.sequence,
      expiryEpoch: head.value.epoch + 1n,
      tip: 0n,
      kind: { SubmitEquivocation: { first, second } },
    });
    await this.#bus.request(SubmitTransactions, { partition: partitionOfTransaction(bytes) }, [bytes]);
  }
}
