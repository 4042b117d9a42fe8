import type { Address } from "@soma/protocol";
import { type Database, insertMany, type Migration } from "@soma/storage";
import type { Inspected } from "../core/index.ts";

export interface MempoolTables {
  waiting: { digest: string; sender: string; sequence: bigint; expiry_epoch: bigint; bytes: Uint8Array };
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
];

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
  #writing: Promise<void> | undefined;

  constructor(database: Database<MempoolTables>) {
    this.#database = database;
  }

  add(transaction: Inspected): Promise<void> {
    return new Promise((done, failed) => {
      this.#pending.push({ transaction, done, failed });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  /** Drops what a commit used up: these sequence numbers and those below them. */
  async executed(transactions: readonly { sender: Address; sequence: bigint }[]): Promise<void> {
    const highest = new Map<Address, bigint>();
    for (const { sender, sequence } of transactions) {
      if (sequence >= (highest.get(sender) ?? 0n)) highest.set(sender, sequence);
    }
    for (const [sender, sequence] of highest) {
      await this.#database.kysely
        .deleteFrom("waiting")
        .where("sender", "=", sender)
        .where("sequence", "<=", sequence)
        .execute();
    }
  }

  async expired(epoch: bigint): Promise<void> {
    await this.#database.kysely.deleteFrom("waiting").where("expiry_epoch", "<", epoch).execute();
  }

  async all(): Promise<Uint8Array[]> {
    const rows = await this.#database.kysely
      .selectFrom("waiting")
      .select("bytes")
      .orderBy("sender")
      .orderBy("sequence")
      .execute();
    return rows.map(({ bytes }) => bytes);
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
