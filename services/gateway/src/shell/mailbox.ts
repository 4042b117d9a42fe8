import { createHash } from "node:crypto";
import type { Database, Migration } from "@soma/storage";

export interface MailboxTables {
  mailbox: {
    cursor: bigint;
    job: string;
    digest: string;
    message: Uint8Array;
    received_at: Date;
  };
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "0001-mailbox",
    sql: `create table mailbox (
      cursor bigserial primary key,
      job text not null,
      digest text not null,
      message bytea not null,
      received_at timestamptz not null default now(),
      unique (job, digest)
    );
    create index mailbox_received on mailbox (received_at);`,
  },
];

export interface MailboxMessage {
  readonly cursor: number;
  readonly message: Uint8Array;
}

/** What seat holders answered to submitters whose mailbox is here; a submitter may be away and come back. */
export class Mailbox {
  readonly #database: Database<MailboxTables>;
  readonly #maxMessages: number;

  constructor(database: Database<MailboxTables>, maxMessages: number) {
    this.#database = database;
    this.#maxMessages = maxMessages;
  }

  /** False if the job's mailbox is full; the same message twice is kept once. */
  async put(job: string, message: Uint8Array): Promise<boolean> {
    const { count } = await this.#database.kysely
      .selectFrom("mailbox")
      .where("job", "=", job)
      .select((e) => e.fn.countAll<bigint>().as("count"))
      .executeTakeFirstOrThrow();
    if (Number(count) >= this.#maxMessages) return false;
    const digest = createHash("sha256").update(message).digest("hex");
    await this.#database.kysely
      .insertInto("mailbox")
      .values({ job, digest, message } as never)
      .onConflict((conflict) => conflict.columns(["job", "digest"]).doNothing())
      .execute();
    return true;
  }

  /** Messages after a cursor, oldest first, 256 at most. */
  async after(job: string, cursor: number): Promise<MailboxMessage[]> {
    const rows = await this.#database.kysely
      .selectFrom("mailbox")
      .select(["cursor", "message"])
      .where("job", "=", job)
      .where("cursor", ">", BigInt(cursor))
      .orderBy("cursor")
      .limit(256)
      .execute();
    return rows.map((row) => ({ cursor: Number(row.cursor), message: row.message }));
  }

  async prune(olderThan: Date): Promise<void> {
    await this.#database.kysely.deleteFrom("mailbox").where("received_at", "<", olderThan).execute();
  }
}
