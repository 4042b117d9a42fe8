import type { Migration } from "@soma/storage";

export interface MempoolTables {
  waiting: {
    digest: string;
    sender: string;
    sequence: bigint;
    expiry_epoch: bigint;
    bytes: Uint8Array;
    partition: number;
    /** Given by the database: the order of admission. */
    arrival?: bigint;
    admitted_at?: Date;
  };
  replica: { id: string; until: Date };
  partition: { number: number; owner: string | null };
  departed: { digest: string; reason: string; by_digest: string | null; departed_at?: Date };
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
  {
    name: "0003-replicas",
    sql: `alter table waiting add column partition smallint;
    update waiting set partition = ('x' || left(sender, 1))::bit(4)::int;
    alter table waiting alter column partition set not null;
    create index waiting_partition on waiting (partition, arrival);
    create table replica (id text primary key, until timestamptz not null);
    create table partition (number smallint primary key, owner text references replica (id) on delete set null);
    insert into partition (number) select generate_series(0, 15);
    create table departed (
      digest text primary key,
      reason text not null,
      by_digest text,
      departed_at timestamptz not null default now()
    );
    create index departed_at on departed (departed_at);`,
  },
];
