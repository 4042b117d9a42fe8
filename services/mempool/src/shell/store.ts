import { SomaError } from "@soma/base";
import type { Digest } from "@soma/protocol";
import { type Database, sql } from "@soma/storage";
import {
  type Batch,
  BatchBook,
  type BatchKey,
  type Departure,
  type DepartureReason,
  type Stored,
} from "../core/index.ts";
import { packTransactions, unpackTransactions } from "./packed-transactions.ts";
import type { MempoolTables } from "./schema.ts";

type Left = Pick<Departure, "digest" | "reason" | "by">;

/** Milliseconds between the beginnings of two writes: what comes meanwhile shares the next. */
const WRITE_EVERY_MS = 10;
/** What only frees room waits so long for a write that has more to say. */
const TIDY_WITHIN_MS = 500;

interface PendingWrite {
  readonly admitted: readonly Stored[];
  readonly departed: readonly Left[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** A row as it is found. */
export interface StoredBatch extends BatchKey {
  readonly transactions: readonly Uint8Array[];
}

/**
 * What was admitted, on disk: an answer goes out only after its transaction was written, and written it is only while
 * this replica is one. A row holds what was written together of one partition, and goes when none of it waits any more;
 * which of it waits is known in memory (`BatchBook`), and found again by the ledger's sequence numbers and `departed`.
 */
export class MempoolStore {
  readonly #database: Database<MempoolTables>;
  readonly #replica: string;
  readonly #isWaiting: (digest: Digest) => boolean;
  readonly #book = new BatchBook();
  #pending: PendingWrite[] = [];
  /** Writes that are under way or wait, by digest. */
  readonly #storing = new Map<Digest, Promise<void>>();
  #writing: Promise<void> | undefined;
  #beganMs = 0;
  #tidying: NodeJS.Timeout | undefined;

  /** @param isWaiting whether the pool has it */
  constructor(database: Database<MempoolTables>, replica: string, isWaiting: (digest: Digest) => boolean) {
    this.#database = database;
    this.#replica = replica;
    this.#isWaiting = isWaiting;
  }

  /**
   * Writes those in, and those out that went for them. @throws SomaError MEMPOOL_BUSY if others took this replica for
   * dead
   */
  async add(admitted: readonly Stored[], departed: readonly Left[]): Promise<void> {
    const stored = this.#enqueue(admitted, departed);
    for (const { digest } of admitted) this.#storing.set(digest, stored);
    await stored.finally(() => {
      for (const { digest } of admitted) this.#storing.delete(digest);
    });
  }

  /** Resolves when an admission of this digest that is being written is on disk. */
  async stored(digest: Digest): Promise<void> {
    await this.#storing.get(digest);
  }

  /** Forgets transactions, and remembers why. */
  async depart(departed: readonly Left[]): Promise<void> {
    if (departed.length > 0) await this.#enqueue([], departed);
  }

  /** Transactions that executed: nothing has to be remembered of them. */
  executed(digests: Iterable<Digest>): void {
    for (const digest of digests) this.#book.leave(digest);
    if (this.#book.hasFinished) this.#tidying ??= setTimeout(() => this.#start(), TIDY_WITHIN_MS);
  }

  /** Rows of some partitions that this replica does not know, in the order of admission. */
  async unknownIn(partitions: readonly number[]): Promise<StoredBatch[]> {
    if (partitions.length === 0) return [];
    const keys = await this.#database.kysely
      .selectFrom("batch")
      .select(["partition", "number"])
      .where("partition", "in", partitions)
      .execute();
    const unknown = keys.filter((key) => !this.#book.has(key));
    if (unknown.length === 0) return [];
    const { rows } = await sql<{ partition: number; number: bigint; transactions: Uint8Array }>`
      select b.partition, b.number, b.transactions
      from batch b join unnest(${numbersOf(unknown)}::smallint[], ${textsOf(unknown)}::bigint[]) u (partition, number)
        on b.partition = u.partition and b.number = u.number
      order by b.number`.execute(this.#database.kysely);
    return rows.map((row) => ({ ...row, transactions: unpackTransactions(row.transactions) }));
  }

  /** Knows a found row from now on, of which these wait. */
  adopt(batch: StoredBatch, waiting: readonly Stored[]): void {
    const bytes = batch.transactions.reduce((sum, each) => sum + each.length, 0);
    this.#book.keep(batch, bytes, waiting, performance.now());
  }

  /** Forgets what it knows of partitions that are somebody else's now. */
  forget(partitions: ReadonlySet<number>): void {
    this.#book.forget(partitions);
  }

  /** Writes anew what waits of old rows that are mostly of transactions that left. */
  async compact(beforeMs: number, bytesOf: (digest: Digest) => Uint8Array | undefined): Promise<void> {
    const again: Stored[] = [];
    for (const { partition, digests } of this.#book.sparse(beforeMs)) {
      for (const digest of digests) {
        const bytes = bytesOf(digest);
        if (bytes === undefined) this.#book.leave(digest);
        else again.push({ digest, partition, bytes });
      }
    }
    if (again.length > 0) await this.#enqueue(again, []);
  }

  /** Which of these are known to have left. */
  async departedOf(digests: readonly Digest[]): Promise<Set<Digest>> {
    if (digests.length === 0) return new Set();
    const { rows } = await sql<{ digest: Digest }>`
      select digest from departed where digest = any(${digests}::text[])`.execute(this.#database.kysely);
    return new Set(rows.map(({ digest }) => digest));
  }

  /** Why an accepted transaction left, whichever replica had it. */
  async departure(digest: Digest): Promise<{ reason: DepartureReason; by: string | null } | undefined> {
    const row = await this.#database.kysely
      .selectFrom("departed")
      .select(["reason", "by_digest"])
      .where("digest", "=", digest)
      .executeTakeFirst();
    return row === undefined ? undefined : { reason: row.reason as DepartureReason, by: row.by_digest };
  }

  /**
   * Whether another replica has written it. A look through all that waits, which is bounded; only for who asks after a
   * transaction that neither waits nor left here.
   */
  async isStoredElsewhere(digest: Digest): Promise<boolean> {
    const { rows } = await sql<{ found: boolean }>`
      select exists (select from batch where position(decode(${digest}, 'hex') in digests) > 0) as found`.execute(
      this.#database.kysely,
    );
    return rows[0]?.found === true;
  }

  async pruneDeparted(before: Date): Promise<void> {
    await this.#database.kysely.deleteFrom("departed").where("departed_at", "<", before).execute();
  }

  /** Resolves when nothing is being written. */
  async close(): Promise<void> {
    clearTimeout(this.#tidying);
    await this.#writing;
  }

  #enqueue(admitted: readonly Stored[], departed: readonly Left[]): Promise<void> {
    return new Promise<void>((done, failed) => {
      this.#pending.push({ admitted, departed, done, failed });
      this.#start();
    });
  }

  #start(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    do {
      const pause = this.#beganMs + WRITE_EVERY_MS - performance.now();
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      clearTimeout(this.#tidying);
      this.#tidying = undefined;
      this.#beganMs = performance.now();
      const pending = this.#pending;
      this.#pending = [];
      const departed = pending.flatMap((write) => write.departed);
      const added = this.#book.open(pending.flatMap((write) => write.admitted));
      const finished = this.#book.takeFinished();
      const settle = (isWritten: boolean) => {
        for (const batch of added) this.#book.settle(batch, isWritten, this.#isWaiting, performance.now());
      };
      try {
        await this.#writeRows(added, departed, finished);
        settle(true);
        for (const { digest } of departed) this.#book.leave(digest);
        this.#book.removed(finished);
        for (const { done } of pending) done();
      } catch (error) {
        settle(false);
        this.#book.keepFinished(finished);
        for (const { failed } of pending) failed(error);
      }
    } while (this.#pending.length > 0);
  }

  /**
   * One statement, which is one transaction. Whoever takes this replica's partitions deletes its row first, and so
   * waits for the end of this or leaves it without the row: then nothing is written, and what is written is read there.
   */
  async #writeRows(
    added: readonly Batch[],
    departed: readonly Left[],
    finished: readonly BatchKey[],
  ): Promise<void> {
    const gone = new Set(departed.map(({ digest }) => digest));
    const digests = added.flatMap(({ transactions }) => transactions.map(({ digest }) => digest));
    const packed = added.map(({ transactions }) => packTransactions(transactions.map(({ bytes }) => bytes)));
    const { rows } = await sql<{ alive: boolean }>`
      with alive as (select id from replica where id = ${this.#replica} for key share),
      added as (
        insert into batch (partition, number, transactions, digests)
        select u.* from alive, unnest(${numbersOf(added)}::smallint[], ${textsOf(added)}::bigint[],
          ${packed}::bytea[], ${digestsOf(added)}::bytea[]) u),
      back as (
        -- One that was accepted again is no longer gone.
        delete from departed using alive
        where digest = any(${digests.filter((digest) => !gone.has(digest))}::text[])),
      gone as (
        insert into departed (digest, reason, by_digest)
        select u.* from alive,
          unnest(${departed.map(({ digest }) => digest)}::text[],
            ${departed.map(({ reason }) => reason)}::text[], ${departed.map(({ by }) => by)}::text[]) u
        on conflict do nothing),
      finished as (
        delete from batch using alive,
          unnest(${numbersOf(finished)}::smallint[], ${textsOf(finished)}::bigint[]) u (partition, number)
        where batch.partition = u.partition and batch.number = u.number)
      select exists (select from alive) as alive`.execute(this.#database.kysely);
    if (rows[0]?.alive !== true) {
      throw new SomaError("MEMPOOL_BUSY", "this sender moves to another replica: send it again");
    }
  }
}

function numbersOf(keys: readonly BatchKey[]): number[] {
  return keys.map(({ partition }) => partition);
}

function digestsOf(batches: readonly Batch[]): Buffer[] {
  return batches.map(({ transactions }) =>
    Buffer.from(transactions.map(({ digest }) => digest).join(""), "hex"),
  );
}

function textsOf(keys: readonly BatchKey[]): string[] {
  return keys.map(({ number }) => String(number));
}
