import type { Address } from "@soma/protocol";
import { type Database, insertMany, type Migration } from "@soma/storage";
import type { Inspected } from "../core/index.ts";

export interface MempoolTables {
  waiting: {
    digest: string;
    sender: string;
    sequence: bigint;
    expiry_epoch: bigint;
    bytes: Uint8Array;
    /** Given by the database: the order of admission. */
    arrival?: bigint;
    admitted_at?: Date;
  };
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "0001-waiting",
    sql: `create table waiting (
      digest text primary key,
      sender text not null,
      sequence bigint not null,
      expiry_epoch bigint not null,
      bytes bytea not null
    );
    create index waiting_sender on waiting (sender, sequence);`,
  },
  {
    name: "0002-arrival",
    sql: `alter table waiting add column arrival bigint generated always as identity;
    alter table waiting add column admitted_at timestamptz not null default now();
    create index waiting_arrival on waiting (arrival);`,
  },
];

/** Senders in one statement. */
const SENDERS = 500;

interface PendingWrite {
  readonly transaction: Inspected;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * What was admitted, on disk: an answer goes out only after its transaction was written. Writes that come while
 * one is under way share the next.
 */
export class MempoolStore {
  readonly #database: Database<MempoolTables>;
  #pending: PendingWrite[] = [];
  /** Writes that are under way or wait, by digest. */
  readonly #storing = new Map<string, Promise<void>>();
  #writing: Promise<void> | undefined;

  constructor(database: Database<MempoolTables>) {
    this.#database = database;
  }

  async add(transaction: Inspected): Promise<void> {
    const { digest } = transaction;
    const stored = new Promise<void>((done, failed) => {
      this.#pending.push({ transaction, done, failed });
    });
    this.#storing.set(digest, stored);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    await stored.finally(() => this.#storing.delete(digest));
  }

  /** Resolves when an admission of this digest that is being written is on disk. */
  async stored(digest: string): Promise<void> {
    await this.#storing.get(digest);
  }

  /** Drops what a commit used up: these sequence numbers and those below them. */
  async executed(transactions: readonly { sender: Address; sequence: bigint }[]): Promise<void> {
    const highest = new Map<Address, bigint>();
    for (const { sender, sequence } of transactions) {
      if (sequence >= (highest.get(sender) ?? 0n)) highest.set(sender, sequence);
    }
    const all = [...highest];
    for (let at = 0; at < all.length; at += SENDERS) {
      await this.#database.kysely
        .deleteFrom("waiting")
        .where((e) =>
          e.or(
            all
              .slice(at, at + SENDERS)
              .map(([sender, sequence]) => e.and([e("sender", "=", sender), e("sequence", "<=", sequence)])),
          ),
        )
        .execute();
    }
  }

  async remove(digests: readonly string[]): Promise<void> {
    if (digests.length === 0) return;
    await this.#database.kysely.deleteFrom("waiting").where("digest", "in", digests).execute();
  }

  async expired(epoch: bigint): Promise<void> {
    await this.#database.kysely.deleteFrom("waiting").where("expiry_epoch", "<", epoch).execute();
  }

  /** All, in the order of admission: then none meets a fuller pool than it did the first time. */
  async all(): Promise<{ digest: string; bytes: Uint8Array }[]> {
    return this.#database.kysely
      .selectFrom("waiting")
      .select(["digest", "bytes"])
      .orderBy("arrival")
      .execute();
  }

  /** Those that were admitted before, the longest waiting first. */
  async waitingSince(
    before: Date,
    limit: number,
  ): Promise<{ sender: Address; digest: string; bytes: Uint8Array }[]> {
    return this.#database.kysely
      .selectFrom("waiting")
      .select(["sender", "digest", "bytes"])
      .where("admitted_at", "<", before)
      .orderBy("arrival")
      .limit(limit)
      .execute();
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        await insertMany(
          this.#database.kysely,
          "waiting",
          batch.map(({ transaction }) => ({
            digest: transaction.digest,
            sender: transaction.sender,
            sequence: transaction.sequence,
            expiry_epoch: transaction.expiryEpoch,
            bytes: transaction.bytes,
          })),
          { onConflict: "ignore" },
        );
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
  }
}
