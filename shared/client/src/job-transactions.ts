import { fromHex, SomaError, toHex } from "@soma/base";
import type { Ed25519Key } from "@soma/crypto/native";
import type { AccountKey } from "@soma/identity";
import {
  type Digest,
  dataCommitment,
  decodeSignedTransaction,
  type EpochInfo,
  type Genesis,
  type JobId,
  jobSigningBytes,
  modalityNumber,
  type SignedCommit,
  type SignedReveal,
  type TransactionKindInput,
} from "@soma/protocol";
import type { GatewayClient } from "./gateway-client.ts";
import type { JobJournal } from "./job-journal.ts";
import { isSequenceTaken, prepareTransaction, sendAndWait } from "./submit.ts";

/** Times that a transaction is signed anew because another one of the account used its sequence number. */
const SIGN_AGAIN = 3;

export interface JobTransactionsOptions {
  readonly client: GatewayClient;
  readonly genesis: Genesis;
  readonly account: AccountKey;
  readonly journal: JobJournal;
  /** Signs the job's messages. */
  readonly session: Ed25519Key;
  readonly items: readonly Uint8Array[];
  /** Merkle root over the items. */
  readonly dataHash: Digest;
  /** Base units beyond the price, for the winner. */
  readonly tip: bigint;
  /** Refuses to pay more than this a byte; twice the epoch's price if it is undefined. */
  readonly maxPricePerByte: bigint | undefined;
}

/** The submitter's three transactions of a job. Each is in the journal before it is sent. */
export class JobTransactions {
  readonly #o: JobTransactionsOptions;

  constructor(options: JobTransactionsOptions) {
    this.#o = options;
  }

  /** GAME-1. A payment that the journal holds already is left as it is. */
  async preparePayment(epoch: EpochInfo): Promise<void> {
    const { journal, account, genesis, items, dataHash, session, tip, maxPricePerByte } = this.#o;
    if (journal.state.payment !== null) return;
    const text = modalityNumber("text");
    journal.state.payment = await this.#prepare({
      GenerateEmbeddings: {
        modality: text,
        dataCommitment: dataCommitment(genesis.chainId, dataHash, account.address),
        sizeBytes: BigInt(items.reduce((sum, item) => sum + item.length, 0)),
        items: items.length,
        sessionKey: session.publicKey,
        // The payment may commit in the next epoch, whose price is at most twice this one's (ECON-4).
        maxPricePerByte: maxPricePerByte ?? 2n * (epoch.prices[text] ?? 0n),
        jobTip: tip,
      },
    });
    journal.save();
  }

  /** GAME-4. */
  async prepareSelection(job: JobId, attempt: number, commits: readonly SignedCommit[]): Promise<void> {
    const { genesis, journal, session, dataHash } = this.#o;
    const selection = { job, attempt, dataHash, commits: [...commits] };
    const sessionSignature = session.sign(jobSigningBytes(genesis.chainId, "selection", selection));
    const submission = await this.#prepare({ SelectCommits: { ...selection, sessionSignature } });
    // Two different signed selections void the job (GAME-4): what was signed is remembered before it is sent.
    journal.state.selection = { ...submission, attempt };
    journal.save();
  }

  /** GAME-6. */
  async prepareBundle(job: JobId, reveals: readonly SignedReveal[]): Promise<void> {
    const { genesis, journal, session } = this.#o;
    const bundle = { job, reveals: [...reveals] };
    const sessionSignature = session.sign(jobSigningBytes(genesis.chainId, "bundle", bundle));
    journal.state.bundle = await this.#prepare({ PostBundle: { ...bundle, sessionSignature } });
    journal.save();
  }

  /**
   * Sends what the journal holds. Another transaction of the account may have used its sequence number: then the
   * same content is signed anew, but never a payment, of which there must not be two.
   */
  async send(name: "payment" | "selection" | "bundle"): Promise<void> {
    const { client, journal } = this.#o;
    for (let attempt = 1; ; attempt++) {
      const submission = journal.state[name]!;
      const bytes = fromHex(submission.bytes);
      try {
        await sendAndWait(client, { digest: submission.digest, bytes });
        return;
      } catch (error) {
        if (!isSequenceTaken(error) || name === "payment" || attempt === SIGN_AGAIN) throw error;
        const signed = decodeSignedTransaction(bytes);
        if (!signed.ok) throw new SomaError("JOURNAL_UNREADABLE", `${name}: ${signed.message}`);
        Object.assign(submission, await this.#prepare(signed.value.transaction.kind));
        journal.save();
      }
    }
  }

  async #prepare(kind: TransactionKindInput): Promise<{ digest: string; bytes: string }> {
    const { client, account, genesis } = this.#o;
    const { digest, bytes } = await prepareTransaction({ client, account, chainId: genesis.chainId, kind });
    return { digest, bytes: toHex(bytes) };
  }
}
