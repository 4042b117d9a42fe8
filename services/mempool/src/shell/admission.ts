import { err, ok, type Result, type Sliced, SomaError } from "@soma/base";
import { partitionOfSender } from "@soma/contracts";
import type { Address } from "@soma/protocol";
import { steadyNow, Turns } from "@soma/runtime";
import type { Telemetry, TraceBook } from "@soma/telemetry";
import { sampledTraceparent } from "@soma/telemetry";
import {
  type AccountFacts,
  type Admission,
  type Admitted,
  type Inspected,
  inspect,
  type Stored,
  type TransactionPool,
} from "../core/index.ts";
import type { Accounts } from "./accounts.ts";
import type { MempoolMetrics } from "./metrics.ts";
import type { Signatures } from "./signatures.ts";
import type { MempoolStore, StoredBatch } from "./store.ts";

/** Refusals that may come of facts that are no longer true. */
const PAID_MEANWHILE: ReadonlySet<string> = new Set(["MEMPOOL_ACCOUNT", "MEMPOOL_BALANCE"]);

export interface AdmissionDeps {
  readonly chainId: string;
  readonly pool: TransactionPool;
  readonly store: MempoolStore;
  readonly accounts: Accounts;
  readonly signatures: Signatures;
  readonly traces: TraceBook;
  readonly metrics: MempoolMetrics;
  readonly log: Telemetry["log"];
}

/** One of a batch, where it is to be answered. */
interface Candidate {
  readonly place: number;
  readonly transaction: Inspected;
}

/** Takes transactions in: from clients, and back from disk. */
export class Admissions {
  readonly #deps: AdmissionDeps;
  readonly #turns = new Turns();

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /**
   * Form, chain and expiry of each, then the signatures (on threads), then the ledger, then the pool, then the disk:
   * each stage once for all. Each is answered in its place; the whole is refused if the ledger does not answer.
   */
  async submit(batch: readonly Uint8Array[]): Promise<Result<Admitted[]>> {
    const { pool, store, accounts, signatures } = this.#deps;
    const answers: Admitted[] = [];
    const candidates = await this.#turns.run(this.#candidates(batch, answers));
    const valid = await signatures.areValid(
      candidates.map(({ transaction }) => transaction),
      this.#turns,
    );
    const signed: Candidate[] = [];
    for (const [i, candidate] of candidates.entries()) {
      if (valid[i]) signed.push(candidate);
      else answers[candidate.place] = pool.admit(candidate.transaction, false, undefined, 0n);
    }
    // The ledger is asked for whoever signed, not for any address that somebody writes.
    const facts = await accounts.facts(sendersOf(signed));
    if (!facts.ok) return facts;
    const admitted = this.#admit(signed, facts.value, answers);
    const doubtful = signed.filter(({ place }) => {
      const answer = answers[place]!;
      return !answer.ok && PAID_MEANWHILE.has(answer.code);
    });
    const writing = [this.#write(admitted, answers)];
    if (doubtful.length > 0) {
      const again = await accounts.fresh(sendersOf(doubtful));
      if (again.ok) writing.push(this.#write(this.#admit(doubtful, again.value, answers), answers));
      else for (const { place } of doubtful) answers[place] = again;
    }
    // On disk before the answer: what was accepted is not lost with this process.
    await Promise.all(writing);
    for (const answer of answers)
      if (answer.ok && answer.value.known) await store.stored(answer.value.digest);
    return ok(answers);
  }

  /** Those that are worth their signature's check; the others are answered. */
  *#candidates(batch: readonly Uint8Array[], answers: Admitted[]): Sliced<Candidate[]> {
    const { chainId, pool } = this.#deps;
    const candidates: Candidate[] = [];
    const now = BigInt(steadyNow());
    for (const [place, bytes] of batch.entries()) {
      const inspected = inspect(bytes, chainId, pool.epoch);
      if (!inspected.ok) answers[place] = inspected;
      else if (pool.has(inspected.value.digest)) {
        answers[place] = ok({ digest: inspected.value.digest, known: true, departed: [] });
      } else {
        const queue = pool.checkQueue(inspected.value.tip, now);
        if (queue.ok) candidates.push({ place, transaction: inspected.value });
        else answers[place] = queue;
      }
      yield;
    }
    return candidates;
  }

  /** Those that the pool took. */
  #admit(
    candidates: readonly Candidate[],
    facts: ReadonlyMap<Address, AccountFacts>,
    answers: Admitted[],
  ): Candidate[] {
    const { pool, traces } = this.#deps;
    const at = BigInt(steadyNow());
    const traceparent = sampledTraceparent();
    const admitted: Candidate[] = [];
    for (const candidate of candidates) {
      const { place, transaction } = candidate;
      const answer = pool.admit(transaction, true, facts.get(transaction.sender), at);
      answers[place] = answer;
      if (!answer.ok || answer.value.known) continue;
      traces.remember(transaction.digest, traceparent);
      admitted.push(candidate);
    }
    return admitted;
  }

  /** Puts MEMPOOL_BUSY in the place of what others took over. @throws what the database says */
  async #write(candidates: readonly Candidate[], answers: Admitted[]): Promise<void> {
    const { chainId, pool, store, metrics } = this.#deps;
    const departed: Admission["departed"][number][] = [];
    for (const { place } of candidates) {
      const answer = answers[place]!;
      if (answer.ok) departed.push(...answer.value.departed);
    }
    if (candidates.length === 0) return;
    try {
      await store.add(
        candidates.map(({ transaction }) => storedOf(transaction)),
        departed,
      );
      for (const { reason } of departed) metrics.departed.add(1, { reason });
    } catch (error) {
      const own = new Set(candidates.map(({ transaction }) => transaction.digest));
      pool.discard(own);
      for (const { digest, waiting } of departed) {
        const back = inspect(waiting.bytes, chainId, pool.epoch);
        // The pool knows its sender's next sequence number, or it is not above what it was when this was admitted.
        if (back.ok && !own.has(digest)) pool.restore(back.value, 0n, waiting.admittedAt);
      }
      if (!(error instanceof SomaError) || error.code !== "MEMPOOL_BUSY") throw error;
      for (const [place, answer] of answers.entries()) {
        if (answer?.ok && own.has(answer.value.digest)) answers[place] = err(error.code, error.message);
      }
    }
  }

  /**
   * Takes back what is on disk, each held against the ledger; what it would never take goes. False if the ledger could
   * not be asked: then nothing is back.
   */
  async restore(batches: readonly StoredBatch[]): Promise<boolean> {
    if (batches.length === 0) return true;
    const { chainId, pool, store, accounts, metrics, log } = this.#deps;
    const found = batches.map((batch) => ({
      batch,
      transactions: batch.transactions.flatMap((bytes) => {
        const inspected = inspect(bytes, chainId, 0n);
        return inspected.ok ? [inspected.value] : [];
      }),
    }));
    const all = found.flatMap(({ transactions }) => transactions);
    const facts = await accounts.fresh(all.map(({ sender }) => sender));
    if (!facts.ok) return false;
    const departed = await store.departedOf(all.map(({ digest }) => digest));
    const at = BigInt(steadyNow());
    const unwanted: { digest: string; reason: "expired" | "sequence-used" | "replaced"; by: null }[] = [];
    for (const { batch, transactions } of found) {
      const waiting: Stored[] = [];
      for (const transaction of transactions) {
        const { digest, sender } = transaction;
        if (departed.has(digest)) continue;
        const outcome = pool.restore(transaction, facts.value.get(sender)?.sequence ?? 0n, at);
        if (outcome === "restored") metrics.restored.add(1);
        else if (outcome !== "known") unwanted.push({ digest, reason: outcome, by: null });
        if (outcome === "restored" || outcome === "known") waiting.push(storedOf(transaction));
      }
      store.adopt(batch, waiting);
    }
    await store.depart(unwanted);
    log.info({ found: all.length, unwanted: unwanted.length }, "waiting transactions loaded");
    return true;
  }
}

function storedOf({ digest, sender, bytes }: Inspected): Stored {
  return { digest, partition: partitionOfSender(sender), bytes };
}

function sendersOf(candidates: readonly Candidate[]): Address[] {
  return candidates.map(({ transaction }) => transaction.sender);
}
