import { SomaError } from "@soma/base";
import { type GatewayClient, submit } from "@soma/client";
import type { AccountKey } from "@soma/identity";
import type { TransactionKindInput } from "@soma/protocol";

export interface TransactionSenderOptions {
  readonly client: GatewayClient;
  readonly account: AccountKey;
  readonly chainId: string;
}

/**
 * Sends the encoder's transactions one after another, because each takes the account's next sequence number. What
 * a gateway says of that number is not trusted, only used: a wrong one costs a refusal.
 */
export class TransactionSender {
  readonly #options: TransactionSenderOptions;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: TransactionSenderOptions) {
    this.#options = options;
  }

  /** `OK` once it was executed, else the code with which it was refused or lost. Never rejects. */
  send(kind: TransactionKindInput): Promise<string> {
    const done = this.#tail.then(() =>
      submit({ ...this.#options, kind }).then(
        () => "OK",
        (error: unknown) => (error instanceof SomaError ? error.code : "GATEWAY_FAILED"),
      ),
    );
    this.#tail = done;
    return done;
  }
}
