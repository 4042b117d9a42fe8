import { fromHex, SomaError, toHex } from "@soma/base";
import type { Ed25519Key } from "@soma/crypto/native";
import type { AccountKey } from "@soma/identity";
import {
  type Digest,
  dataCommitment,
  type EpochInfo,
  type Genesis,
  type JobId,
  jobSigningBytes,
  modalityNumber,
  type SignedCommit,
  type SignedReveal,
  type TransactionKindInput,
} from "@soma/protocol";
import { AbortError } from "p-retry";
import type { Turn } from "./account-turns.ts";
import type { GatewayClient } from "./gateway-client.ts";
import type { JobJournal } from "./job-journal.ts";
import { canNeverExecute, type PaymentFacts } from "./payment-fate.ts";
import { isNumberUsedByAnother, transactionOf } from "./sequence-number.ts";
import { isSequenceTaken, prepareTransaction, type SignedSubmission, sendPatiently } from "./submit.ts";

/** The job's price holds in the epoch in which it is signed and the next (ECON-4), and so does its payment. */
const PAYMENT_LIFETIME_EPOCHS = 1n;

type Name = "payment" | "selection" | "bundle";

export interface JobTransactionsOptions {
  readonly client: GatewayClient;
  readonly genesis: Genesis;
  readonly account: AccountKey;
  readonly journal: JobJournal;
  /** In which each transaction is signed and sent. */
  readonly turn: Turn;
  /** Signs the job's messages. */
  readonly session: Ed25519Key;
  readonly items: readonly Uint8Array[];
  /** Merkle root over the items. */
  readonly dataHash: Digest;
  /** Base units beyond the price, for the winner. */
  readonly tip: bigint;
  /** Refuses to pay more than this a byte; twice the epoch's price if it is undefined. */
  readonly maxPricePerByte: bigint | undefined;
  /** Milliseconds to wait for another transaction that has a sequence number of this job's; see `sendPatiently`. */
  readonly freeWithinMs?: number;
}

/**
 * The submitter's three transactions of a job. Each is in the journal before it is sent, and each is signed anew with
 * the account's next sequence number if another one used its own.
 */
export class JobTransactions {
  readonly #o: JobTransactionsOptions;

  constructor(options: JobTransactionsOptions) {
    this.#o = options;
  }

  /**
   * GAME-1. A payment that the journal holds already is sent as it is; another is signed only once that one can never
   * execute. @throws SomaError PAYMENT_UNDECIDED if that is not known in time
   */
  async pay(facts: Omit<PaymentFacts, "gateways">): Promise<void> {
    const { client, journal, turn } = this.#o;
    const proven = { ...facts, gateways: client.http.gateways };
    const isPaid = () => facts.facts.paid !== undefined;
    await turn(async () => {
      if (journal.state.payment === null) await this.#signPayment(facts.light.epoch);
      const replace = async (taken: SignedSubmission) => {
        if (isPaid()) throw new AbortError("paid");
        if (!(await canNeverExecute(proven, taken))) return undefined;
        await this.#signPayment(facts.light.epoch);
        return this.#signed("payment");
      };
      try {
        const patience = { replace, isWaitedUpon: isOvertaken, withinMs: this.#o.freeWithinMs };
        await sendPatiently(client, this.#signed("payment"), patience);
      } catch (error) {
        if (isPaid()) return;
        throw isOvertaken(error) ? undecided(this.#signed("payment"), error as SomaError) : error;
      }
    });
  }

  /** GAME-4. */
  async select(job: JobId, attempt: number, commits: readonly SignedCommit[]): Promise<void> {
    const { genesis, journal, session, dataHash, turn } = this.#o;
    const selection = { job, attempt, dataHash, commits: [...commits] };
    const sessionSignature = session.sign(jobSigningBytes(genesis.chainId, "selection", selection));
    await turn(async () => {
      const submission = await this.#prepare({ SelectCommits: { ...selection, sessionSignature } });
      // Two different signed selections void the job (GAME-4): what was signed is remembered before it is sent.
      journal.state.selection = { ...submission, attempt };
      journal.save();
      await this.#send("selection");
    });
  }

  /** GAME-6. */
  async bundle(job: JobId, reveals: readonly SignedReveal[]): Promise<void> {
    const { genesis, journal, session, turn } = this.#o;
    const bundle = { job, reveals: [...reveals] };
    const sessionSignature = session.sign(jobSigningBytes(genesis.chainId, "bundle", bundle));
    await turn(async () => {
      journal.state.bundle = await this.#prepare({ PostBundle: { ...bundle, sessionSignature } });
      journal.save();
      await this.#send("bundle");
    });
  }

  /** Sends what an earlier run put into the journal. */
  async resume(name: "selection" | "bundle"): Promise<void> {
    await this.#o.turn(() => this.#send(name));
  }

  async #send(name: "selection" | "bundle"): Promise<void> {
    const { client, journal } = this.#o;
    const replace = async (taken: SignedSubmission) => {
      if (!(await isNumberUsedByAnother(client.http.gateways, taken, client.http.fetch))) return undefined;
      Object.assign(journal.state[name]!, await this.#prepare(transactionOf(taken).kind));
      journal.save();
      return this.#signed(name);
    };
    await sendPatiently(client, this.#signed(name), { replace, withinMs: this.#o.freeWithinMs });
  }

  async #signPayment(epoch: EpochInfo): Promise<void> {
    const { journal, account, genesis, items, dataHash, session, tip, maxPricePerByte } = this.#o;
    const text = modalityNumber("text");
    const kind = {
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
    };
    journal.state.payment = await this.#prepare(kind, epoch.epoch);
    journal.save();
  }

  #signed(name: Name): SignedSubmission {
    const { digest, bytes } = this.#o.journal.state[name]!;
    return { digest, bytes: fromHex(bytes) };
  }

  async #prepare(kind: TransactionKindInput, epoch?: bigint): Promise<{ digest: string; bytes: string }> {
    const { client, account, genesis } = this.#o;
    const lifetime = epoch === undefined ? {} : { epoch, lifetimeEpochs: PAYMENT_LIFETIME_EPOCHS };
    const options = { client, account, chainId: genesis.chainId, kind, ...lifetime };
    const { digest, bytes } = await prepareTransaction(options);
    return { digest, bytes: toHex(bytes) };
  }
}

/** The sequence number or the last epoch of a transaction has passed. */
function isOvertaken(error: unknown): boolean {
  return isSequenceTaken(error) || (error instanceof SomaError && error.code === "MEMPOOL_EXPIRED");
}

function undecided(payment: SignedSubmission, cause: SomaError): SomaError {
  const { sequence, expiryEpoch } = transactionOf(payment);
  return new SomaError(
    "PAYMENT_UNDECIDED",
    `another transaction of this account seems to have sequence number ${sequence}, which the job's payment was signed with, and no proof says so (${cause.code}). Nothing is paid twice, so no other payment is signed before epoch ${expiryEpoch} is over: run the same command again then, or sooner if the other transaction fails`,
    { sequence, expiryEpoch },
    { cause },
  );
}
