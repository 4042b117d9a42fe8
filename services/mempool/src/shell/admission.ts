import { err, ok, type Result, SomaError } from "@soma/base";
import type { Telemetry, TraceBook } from "@soma/telemetry";
import { sampledTraceparent } from "@soma/telemetry";
import {
  type Admission,
  type Admitted,
  type Inspected,
  inspect,
  type TransactionPool,
} from "../core/index.ts";
import type { Accounts } from "./accounts.ts";
import type { MempoolMetrics } from "./metrics.ts";
import type { Signatures } from "./signatures.ts";
import type { MempoolStore, StoredTransaction } from "./store.ts";

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

/** Takes transactions in: from clients, and back from disk. */
export class Admissions {
  readonly #deps: AdmissionDeps;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /** Form, chain and expiry, then the signature (on threads), then the ledger, then the pool, then the disk. */
  async submit(bytes: Uint8Array): Promise<Admitted> {
    const { chainId, pool, store, accounts, signatures, traces } = this.#deps;
    const inspected = inspect(bytes, chainId, pool.epoch);
    if (!inspected.ok) return inspected;
    const { digest, sender, signed } = inspected.value;
    if (pool.has(digest)) {
      await store.stored(digest);
      return ok({ digest, known: true, departed: [] });
    }
    const valid = await signatures.isValid(signed);
    // The ledger is asked for whoever signed, not for any address that somebody writes.
    const account = valid ? await accounts.facts(sender) : ok(undefined);
    if (!account.ok) return account;
    const admit = (facts: typeof account.value) =>
      pool.admit(inspected.value, valid, facts, BigInt(Date.now()));
    let admitted = admit(account.value);
    if (!admitted.ok && valid && PAID_MEANWHILE.has(admitted.code)) {
      const again = await accounts.fresh(sender);
      if (!again.ok) return again;
      admitted = admit(again.value);
    }
    if (!admitted.ok) return admitted;
    traces.remember(digest, sampledTraceparent());
    // On disk before the answer: what was accepted is not lost with this process.
    if (admitted.value.known) await store.stored(digest);
    else {
      const written = await this.#write(inspected.value, admitted.value.departed);
      if (!written.ok) return written;
    }
    return admitted;
  }

  /** Refusal: MEMPOOL_BUSY. @throws what the database says */
  async #write(transaction: Inspected, departed: Admission["departed"]): Promise<Result<true>> {
    const { chainId, pool, store, metrics } = this.#deps;
    try {
      await store.add(transaction, departed);
      for (const { reason } of departed) metrics.departed.add(1, { reason });
      return ok(true);
    } catch (error) {
      pool.discard([transaction.digest]);
      for (const { waiting } of departed) {
        const back = inspect(waiting.bytes, chainId, pool.epoch);
        // The pool knows its sender's next sequence number, or it is not above what it was when this was admitted.
        if (back.ok) pool.restore(back.value, 0n);
      }
      if (error instanceof SomaError && error.code === "MEMPOOL_BUSY") return err(error.code, error.message);
      throw error;
    }
  }

  /**
   * Takes back what is on disk, each held against the ledger; what it would never take goes. False if the ledger could
   * not be asked: then some are not back.
   */
  async restore(stored: readonly StoredTransaction[]): Promise<boolean> {
    const { chainId, pool, store, accounts, metrics, log } = this.#deps;
    const senders = new Set(stored.map(({ sender }) => sender));
    const sequences = new Map<string, bigint>();
    await Promise.all(
      [...senders].map(async (sender) => {
        const facts = await accounts.fresh(sender);
        if (facts.ok) sequences.set(sender, facts.value?.sequence ?? 0n);
      }),
    );
    const unwanted: { digest: string; reason: "expired" | "sequence-used" | "replaced"; by: null }[] = [];
    for (const { sender, digest, bytes } of stored) {
      const sequence = sequences.get(sender);
      const inspected = inspect(bytes, chainId, 0n);
      if (sequence === undefined || !inspected.ok) continue;
      const outcome = pool.restore(inspected.value, sequence);
      if (outcome === "restored") metrics.restored.add(1);
      else if (outcome !== "known") unwanted.push({ digest, reason: outcome, by: null });
    }
    await store.depart(unwanted);
    if (stored.length > 0) {
      log.info({ found: stored.length, unwanted: unwanted.length }, "waiting transactions loaded");
    }
    return sequences.size === senders.size;
  }
}
