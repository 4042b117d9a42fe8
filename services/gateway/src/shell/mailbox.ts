import { createHash } from "node:crypto";
import type { Database, Migration } from "@soma/storage";

export interface MailboxTables {
  mailbox: {
    cursor: bigint;
    job: string;
    digest: string;
    sender: string;
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
  {
    name: "0002-mailbox-sender",
    sql: `alter table mailbox add column sender text not null default '';
    create index mailbox_sender on mailbox (sender, job);`,
  },
];

export interface MailboxLimits {
  /** Messages of one sender for one job. */
  readonly perJob: number;
  /** Messages of one sender. */
  readonly perSender: number;
}

export interface MailboxMessage {
  readonly cursor: number;
  readonly message: Uint8Array;
}

/** What seat holders answered to submitters whose mailbox is here; a submitter may be away and come back. */
export class Mailbox {
  readonly #database: Database<MailboxTables>;
  readonly #limits: MailboxLimits;

  constructor(database: Database<MailboxTables>, limits: MailboxLimits) {
    this.#database = database;
    this.#limits = limits;
  }

  /** False if the sender has said too much; nobody takes another's place. The same message twice is kept once. */
  async put(job: string, sender: string, message: Uint8Array): Promise<boolean> {
    const kept = this.#database.kysely
      .selectFrom("mailbox")
      .where("sender", "=", sender)
      .select((e) => e.fn.countAll<bigint>().as("count"));
    const { count } = await kept.where("job", "=", job).executeTakeFirstOrThrow();
    if (Number(count) >= this.#limits.perJob) return false;
    const all = await kept.executeTakeFirstOrThrow();
    if (Number(all.count) >= this.#limits.perSender) return false;
    const digest = createHash("sha256").update(message).digest("hex");
    await this.#database.kysely
      .insertInto("mailbox")
      .values({ job, digest, sender, message } as never)
      .onConflict((conflict) => conflict.columns(["job", "digest"]).doNothing())
      .execute();
    return true;
  }

  /** Messages after a cursor, oldest first, 256 at most. */
  async after(job: string, cursor: bigint): Promise<MailboxMessage[]> {
    const rows = await this.#database.kysely
      .selectFrom("mailbox")
      .select(["cursor", "message"])
      .where("job", "=", job)
      .where("cursor", ">", cursor)
      .orderBy("cursor")
      .limit(256)
      .execute();
    return rows.map((row) => ({ cursor: Number(row.cursor), message: row.message }));
  }

  async prune(olderThan: Date): Promise<void> {
    await this.#database.kysely.deleteFrom("mailbox").where("received_at", "<", olderThan).execute();
  }
}
