import type { Generated } from "kysely";

/** Messages that were handled: a repeat finds its row and changes nothing. */
export interface InboxTable {
  consumer: string;
  message_id: string;
  received_at: Generated<Date>;
}

/** Messages that a committed transaction owes the bus. A row leaves when the bus has confirmed it. */
export interface OutboxTable {
  id: Generated<bigint>;
  message_id: string;
  subject: string;
  /** The stream's definition name, or null for a core message. */
  stream: string | null;
  payload: Uint8Array;
  /** JSON object of header values. */
  headers: string;
  created_at: Generated<Date>;
}

export interface PlatformTables {
  inbox: InboxTable;
  outbox: OutboxTable;
}

/** The migration that every schema begins with. Frozen. */
export const PLATFORM_MIGRATION = {
  name: "0000-inbox-outbox",
  sql: `
    create table inbox (
      consumer text not null,
      message_id text not null,
      received_at timestamptz not null default now(),
      primary key (consumer, message_id)
    );
    create index inbox_received_at on inbox (received_at);
    create table outbox (
      id bigint generated always as identity primary key,
      message_id text not null,
      subject text not null,
      stream text,
      payload bytea not null,
      headers text not null,
      created_at timestamptz not null default now()
    );
  `,
} as const;
