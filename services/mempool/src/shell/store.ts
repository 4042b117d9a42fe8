import { SomaError } from "@soma/base";
import { partitionOfSender } from "@soma/contracts";
import type { Address } from "@soma/protocol";
import { type Database, insertMany } from "@soma/storage";
import type { Departure, DepartureReason, Inspected } from "../core/index.ts";
import type { MempoolTables } from "./schema.ts";

type Transaction = Parameters<Parameters<Database<MempoolTables>["transaction"]>[0]>[0];
type Left = Pick<Departure, "digest" | "reason" | "by">;

/** Senders, or digests, in one statement. */
const CHUNK = 500;

interface PendingWrite {
  readonly transaction: Inspected;
  readonly departed: readonly Left[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export interface StoredTransaction {
  readonly sender: Address;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * What was admitted, on disk: an answer goes out only after its transaction was written, and written it is only while
 * this replica is one. Writes that come while one is under way share the next.
 */
export class MempoolStore {
  readonly #database: Database<MempoolTables>;
  readonly #replica: string;
  #pending: PendingWrite[] = [];
  /** Writes that are under way or wait, by digest. */
  readonly #storing = new Map<string, Promise<void>>();
  #writing: Promise<void> | undefined;

  constructor(database: Database<MempoolTables>, replica: string) {
    this.#database = database;
    this.#replica = replica;
  }

  /** Writes one in, and those out that went for it. @throws SomaError MEMPOOL_BUSY if others took this replica for dead */
  async add(transaction: Inspected, departed: readonly Left[]): Promise<void> {
    const { digest } = transaction;
    const stored = new Promise<void>((done, failed) => {
      this.#pending.push({ transaction, departed, done, failed });
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

  /** Drops what a commit used up of these senders: its sequence numbers and those below them. */
  async executed(
    transactions: readonly { sender: Address; sequence: bigint; digest?: string }[],
  ): Promise<void> {
    const highest = new Map<Address, bigint>();
    const digests = new Set<string>();
    for (const { sender, sequence, digest } of transactions) {
      if (sequence >= (highest.get(sender) ?? 0n)) highest.set(sender, sequence);
      if (digest !== undefined) digests.add(digest);
    }
    for (const chunk of chunks([...highest])) {
      await this.#database.transaction(async (tx) => {
        const gone = await tx
          .deleteFrom("waiting")
          .where((e) =>
            e.or(
              chunk.map(([sender, sequence]) =>
                e.and([e("sender", "=", sender), e("sequence", "<=", sequence)]),
              ),
            ),
          )
          .returning("digest")
          .execute();
        const passedOver = gone.filter(({ digest }) => !digests.has(digest));
        await remember(
          tx,
          passedOver.map(({ digest }) => ({ digest, reason: "sequence-used", by: null })),
        );
      });
    }
  }

  /** Forgets transactions, and remembers why. */
  async depart(departed: readonly Left[]): Promise<void> {
    for (const chunk of chunks(departed)) await this.#database.transaction((tx) => removeAll(tx, chunk));
  }

  /** All of some partitions, in the order of admission. */
  async inPartitions(partitions: readonly number[]): Promise<StoredTransaction[]> {
    if (partitions.length === 0) return [];
    return this.#database.kysely
      .selectFrom("waiting")
      .select(["sender", "digest", "bytes"])
      .where("partition", "in", partitions)
      .orderBy("arrival")
      .execute();
  }

  /** Those of some partitions that were admitted before, the longest waiting first. */
  async waitingSince(
    before: Date,
    partitions: readonly number[],
    limit: number,
  ): Promise<StoredTransaction[]> {
    if (partitions.length === 0) return [];
    return this.#database.kysely
      .selectFrom("waiting")
      .select(["sender", "digest", "bytes"])
      .where("partition", "in", partitions)
      .where("admitted_at", "<", before)
      .orderBy("arrival")
      .limit(limit)
      .execute();
  }

  /** What became of an accepted transaction, whichever replica has or had it. */
  async find(
    digest: string,
  ): Promise<"waiting" | { reason: DepartureReason; by: string | null } | undefined> {
    const { kysely } = this.#database;
    const waiting = await kysely
      .selectFrom("waiting")
      .select("digest")
      .where("digest", "=", digest)
      .executeTakeFirst();
    if (waiting !== undefined) return "waiting";
    const row = await kysely
      .selectFrom("departed")
      .select(["reason", "by_digest"])
      .where("digest", "=", digest)
      .executeTakeFirst();
    return row === undefined ? undefined : { reason: row.reason as DepartureReason, by: row.by_digest };
  }

  async pruneDeparted(before: Date): Promise<void> {
    await this.#database.kysely.deleteFrom("departed").where("departed_at", "<", before).execute();
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        await this.#database.transaction((tx) => this.#writeBatch(tx, batch));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
  }

  async #writeBatch(tx: Transaction, batch: readonly PendingWrite[]): Promise<void> {
    // Whoever takes this replica's partitions deletes this row first, and so waits for the end of this transaction or
    // makes it fail: what is written here is read there.
    const alive = await tx
      .selectFrom("replica")
      .select("id")
      .where("id", "=", this.#replica)
      .forKeyShare()
      .executeTakeFirst();
    if (alive === undefined) {
      throw new SomaError("MEMPOOL_BUSY", "this sender moves to another replica: send it again");
    }
    await insertMany(
      tx,
      "waiting",
      batch.map(({ transaction }) => ({
        digest: transaction.digest,
        sender: transaction.sender,
        sequence: transaction.sequence,
        expiry_epoch: transaction.expiryEpoch,
        bytes: transaction.bytes,
        partition: partitionOfSender(transaction.sender),
      })),
      { onConflict: "ignore" },
    );
    // One that was accepted again is no longer gone.
    const back = batch.map(({ transaction }) => transaction.digest);
    for (const chunk of chunks(back)) await tx.deleteFrom("departed").where("digest", "in", chunk).execute();
    for (const chunk of chunks(batch.flatMap(({ departed }) => departed))) await removeAll(tx, chunk);
  }
}

async function removeAll(tx: Transaction, departed: readonly Left[]): Promise<void> {
  const digests = departed.map(({ digest }) => digest);
  await tx.deleteFrom("waiting").where("digest", "in", digests).execute();
  await remember(tx, departed);
}

async function remember(tx: Transaction, departed: readonly Left[]): Promise<void> {
  const rows = departed.map(({ digest, reason, by }) => ({ digest, reason, by_digest: by }));
  await insertMany(tx, "departed", rows, { onConflict: "ignore" });
}

function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += CHUNK) yield all.slice(at, at + CHUNK);
}
